#include "config/upstream_tls.h"

#include <algorithm>

namespace gatehouse::config {

bool has_tls(const Upstream& upstream) {
  return std::ranges::any_of(upstream.endpoints, [](const Endpoint& each) { return !each.tls_host.empty(); });
}

const Location& tls_location(const Upstream& upstream) {
  return upstream.tls.location.line != 0 ? upstream.tls.location : upstream.location;
}

TlsClient::Options tls_options(const UpstreamTls& tls) {
  return {.ca = tls.ca,
          .server_name = tls.server_name,
          .san = tls.san,
          .certificate = tls.certificate,
          .private_key = tls.private_key,
          .insecure = tls.insecure};
}

}  // namespace gatehouse::config
