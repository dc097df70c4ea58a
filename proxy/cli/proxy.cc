#include "proxy/cli/proxy.h"

#include <cstddef>
#include <string_view>
#include <utility>

#include "config/target_rules.h"

namespace gatehouse {

namespace {

constexpr const char* kUpstream = "backend";

}  // namespace

Result<std::variant<Address, config::DnsName>> endpoint_of(const std::string& text) {
  constexpr std::string_view kScheme = "http://";
  std::string address = text;
  if (address.starts_with("https://")) {
    return failure(text + ": endpoints speak cleartext HTTP/1.1; give http://host:port");
  }
  if (address.starts_with(kScheme)) address.erase(0, kScheme.size());
  if (!address.starts_with("unix:") && !address.starts_with('_')) {
    const std::size_t slash = address.find('/');
    if (slash != std::string::npos && slash + 1 != address.size()) {
      return failure(text + ": an address has no path");
    }
    if (slash != std::string::npos) address.pop_back();
    const std::size_t colon = address.rfind(':');
    const bool has_port = colon != std::string::npos && address.find(']', colon) == std::string::npos;
    if (!has_port) address += ":80";
  }
  if (address.starts_with(':')) return failure(text + ": an endpoint needs a host");
  return config::parse_endpoint(address);
}

config::Loaded proxy_config(const ProxyOptions& options) {
  FrontBuilder builder(options.front);
  config::Upstream upstream;
  upstream.name = kUpstream;
  upstream.location = builder.at("--to");
  for (const std::string& text : options.to) {
    auto endpoint = endpoint_of(text);
    if (!builder.check(endpoint, "--to")) continue;
    upstream.endpoints.push_back({.at = *std::move(endpoint), .location = builder.at("--to")});
  }
  builder.config().upstreams.push_back(std::move(upstream));
  builder.route_to(kUpstream, "--to");
  return builder.finish();
}

}  // namespace gatehouse
