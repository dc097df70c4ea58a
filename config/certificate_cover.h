// Which hosts of the routes no certificate is for: clients that check certificates refuse them. Opens the certificates;
// where one cannot be read nothing is said. Any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "config/diagnostic.h"

namespace gatehouse::config {

// One warning per host.
std::vector<Diagnostic> hosts_without_certificate(const Config& config);

// Pure part: whether certificates with these names cover `host`, which may be a wildcard itself.
bool covered(std::string_view host, const std::vector<std::vector<std::string>>& names);

}  // namespace gatehouse::config
