#include "proxy/admin/status_facts.h"

#include <format>

namespace gatehouse {

std::string address_text(const ListenerSnapshot& listener, const std::map<std::string, BoundListener>& bound) {
  Address address = listener.address;
  const auto found = bound.find(listener.name);
  if (address.is_unix() || found == bound.end()) return listener.name;
  const std::uint16_t port = found->second.port;
  if (listener.name.starts_with(':')) return std::format(":{}", port);  // every address
  address.set_port(port);
  return address.to_string();
}

std::vector<std::string> protocols_of(const ListenerSnapshot& listener) {
  std::vector<std::string> names;
  if (listener.speaks_h1) names.emplace_back("h1");
  if (listener.speaks_h2) names.emplace_back(listener.tls ? "h2" : "h2c");
  if (listener.speaks_h3) names.emplace_back("h3");
  return names;
}

}  // namespace gatehouse
