#include "proxy/forward/route_table.h"

#include <cstddef>
#include <utility>

namespace gatehouse {

namespace {

constexpr std::string_view kWildcard = "*.";

const Route* route_in(const Route* const* found) {
  return found == nullptr ? nullptr : *found;
}

}  // namespace

RouteTable::RouteTable(std::vector<Route> routes) : routes_(std::move(routes)) {
  for (const Route& route : routes_) {
    if (route.hosts.empty()) any_.add(route.path, &route);
    for (const std::string& host : route.hosts) {
      if (host.starts_with(kWildcard)) {
        wildcards_[host.substr(kWildcard.size())].add(route.path, &route);
      } else {
        exact_[host].add(route.path, &route);
      }
    }
  }
}

const Route* RouteTable::match(std::string_view host, std::string_view path) const {
  if (const Route* route = match_host(host, path)) return route;
  if (const Route* route = match_wildcard(host, path)) return route;
  return match_any(path);
}

const Route* RouteTable::match_host(std::string_view host, std::string_view path) const {
  const auto found = exact_.find(host);
  return found == exact_.end() ? nullptr : route_in(found->second.match(path));
}

// "*.example.com" is for what is below example.com, so the first label always goes.
const Route* RouteTable::match_wildcard(std::string_view host, std::string_view path) const {
  if (wildcards_.empty()) return nullptr;
  for (std::size_t dot = host.find('.'); dot != std::string_view::npos; dot = host.find('.', dot + 1)) {
    const auto found = wildcards_.find(host.substr(dot + 1));
    if (found == wildcards_.end()) continue;
    if (const Route* route = route_in(found->second.match(path))) return route;
  }
  return nullptr;
}

const Route* RouteTable::match_any(std::string_view path) const {
  return route_in(any_.match(path));
}

const Route* RouteTable::exactly(std::string_view host, std::string_view path) const {
  if (host.empty()) return route_in(any_.exactly(path));
  const auto found = exact_.find(host);
  return found == exact_.end() ? nullptr : route_in(found->second.exactly(path));
}

}  // namespace gatehouse
