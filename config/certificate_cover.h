// Which hosts of the routes no certificate is for: clients that check certificates refuse them. Opens the certificates,
// changes nothing. Part of validate_machine(), and of `gatehouse doctor`. Any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "config/diagnostic.h"

namespace gatehouse::config {

// Returns one warning for each such host, at its first route; addresses are left out. A certificate of any listener
// will do. Nothing is said if a certificate cannot be read, because nobody knows then what it covers, nor if a
// listener serves without TLS, because a host may be meant for that one.
std::vector<Diagnostic> hosts_without_certificate(const Config& config);

// Whether certificates with these names (a list for each) cover `host` or, if it is a wildcard, any host below it. A
// wildcard of a certificate is for one label (RFC 9525 section 6.3), one of a route for all that is below. Pure.
bool covered(std::string_view host, const std::vector<std::vector<std::string>>& names);

}  // namespace gatehouse::config
