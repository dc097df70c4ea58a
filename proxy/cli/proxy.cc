#include "proxy/cli/proxy.h"

#include <utility>

#include "common/text.h"
#include "config/target_rules.h"

namespace gatehouse {

namespace {

constexpr const char* kUpstream = "backend";

}  // namespace

Result<config::Endpoint> endpoint_of(const std::string& text) {
  // A port alone, or behind a colon: on this machine.
  if (text::parse_decimal(text)) return endpoint_of("127.0.0.1:" + text);
  if (text.starts_with(':')) return endpoint_of("127.0.0.1" + text);
  const bool whole = text.contains("://") || text.starts_with("unix:") || text.starts_with('_');
  return config::parse_endpoint_url(whole ? text : "http://" + text);
}

config::Loaded proxy_config(const ProxyOptions& options, CertificateStore& certificates) {
  FrontBuilder builder(options.front);
  config::Upstream upstream;
  upstream.name = kUpstream;
  upstream.location = builder.at("--to");
  for (const std::string& text : options.to) {
    auto endpoint = endpoint_of(text);
    if (!builder.check(endpoint, "--to")) continue;
    endpoint->location = builder.at("--to");
    upstream.endpoints.push_back(*std::move(endpoint));
  }
  builder.config().upstreams.push_back(std::move(upstream));
  builder.route_to(kUpstream, "--to");
  return builder.finish(certificates);
}

}  // namespace gatehouse
