// What an upstream says about TLS to its endpoints, for those who carry it out (a snapshot), try it (the doctor) or look
// whether it can be carried out (validation). Pure, any thread.
#pragma once

#include "common/crypto/tls_client.h"
#include "config/config.h"

namespace gatehouse::config {

// Whether an endpoint is spoken to by TLS.
bool has_tls(const Upstream& upstream);
// Where to point at when its files are wrong: the table, or the upstream that has none.
const Location& tls_location(const Upstream& upstream);
TlsClient::Options tls_options(const UpstreamTls& tls);

}  // namespace gatehouse::config
