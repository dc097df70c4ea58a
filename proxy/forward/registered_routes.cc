#include "proxy/forward/registered_routes.h"

namespace gatehouse {

namespace {

using Category = UrlPrefix::Category;

constexpr std::uint16_t kRegisteredHttp = 80;
constexpr std::uint16_t kRegisteredHttps = 443;

std::uint16_t port_of(const ListenerPolicy& listener) {
  if (listener.public_port != 0) return listener.public_port;
  return listener.secure ? kRegisteredHttps : kRegisteredHttp;
}

using Match = RegisteredRoutes::Match;

Match match_of(const RegisteredRoutes::Entry* const* found) {
  return found == nullptr ? Match{} : Match{.route = &(**found)->route, .entry = *found};
}

// The one with the longer path. Both are of the same host, so that they have no path in common.
Match longer(const Route* configured, const Match& registered) {
  if (registered.route == nullptr) return {.route = configured};
  if (configured == nullptr || configured->path.size() < registered.route->path.size()) return registered;
  return {.route = configured};
}

template <class Paths>
Match match_in(const TextMap<Paths>& hosts, std::string_view host, std::string_view path) {
  const auto found = hosts.find(host);
  return found == hosts.end() ? Match{} : match_of(found->second.match(path));
}

}  // namespace

RegisteredRoutes::RegisteredRoutes(std::vector<Entry> entries) : entries_(std::move(entries)) {
  for (const Entry& entry : entries_) {
    const UrlPrefix& prefix = entry->prefix;
    Site& site = sites_[{prefix.secure, prefix.port}];
    switch (prefix.category) {
      case Category::kStrongWildcard:
        site.strong.add(prefix.path, &entry);
        break;
      case Category::kHost:
        site.hosts[prefix.host].add(prefix.path, &entry);
        break;
      case Category::kAddress:
        site.addresses[prefix.host].add(prefix.path, &entry);
        break;
      case Category::kWeakWildcard:
        site.weak.add(prefix.path, &entry);
        break;
    }
  }
}

RegisteredRoutes::Match RegisteredRoutes::match(const RouteTable& configured, const ListenerPolicy& listener,
                                                std::string_view host, std::string_view path) const {
  const auto found = sites_.find({listener.secure, port_of(listener)});
  if (found == sites_.end()) return {.route = configured.match(host, path)};
  const Site& site = found->second;
  if (const Match strong = match_of(site.strong.match(path)); strong.route != nullptr) return strong;
  const Match of_host = longer(configured.match_host(host, path), match_in(site.hosts, host, path));
  if (of_host.route != nullptr) return of_host;
  if (const Route* route = configured.match_wildcard(host, path)) return {.route = route};
  if (!site.addresses.empty()) {
    const Match of_address = match_in(site.addresses, listener.address.host(), path);
    if (of_address.route != nullptr) return of_address;
  }
  return longer(configured.match_any(path), match_of(site.weak.match(path)));
}

const Route* takes_place_of(const RouteTable& configured, const UrlPrefix& prefix) {
  return configured.exactly(prefix.category == Category::kHost ? prefix.host : "", prefix.path);
}

}  // namespace gatehouse
