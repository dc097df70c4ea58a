#include "proxy/forward/route_table.h"

#include <algorithm>
#include <utility>

namespace gatehouse {

namespace {

constexpr std::string_view kWildcard = "*.";

// "/api/" and "/api" are the same prefix.
std::string_view without_trailing_slash(std::string_view path) {
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  return path;
}

// The next shorter prefix by a whole segment: "/a/b" -> "/a" -> "/" -> "".
std::string_view parent(std::string_view path) {
  if (path.size() <= 1) return {};
  const std::size_t slash = path.rfind('/');
  return slash == 0 || slash == std::string_view::npos ? std::string_view("/") : path.substr(0, slash);
}

}  // namespace

RouteTable::RouteTable(std::vector<Route> routes) : routes_(std::move(routes)) {
  for (const Route& route : routes_) {
    if (route.hosts.empty()) any_.add(route);
    for (const std::string& host : route.hosts) {
      if (host.starts_with(kWildcard)) {
        wildcards_[host.substr(kWildcard.size())].add(route);
      } else {
        exact_[host].add(route);
      }
    }
  }
}

const Route* RouteTable::match(std::string_view host, std::string_view path) const {
  if (const auto found = exact_.find(host); found != exact_.end()) {
    if (const Route* route = found->second.match(path)) return route;
  }
  if (!wildcards_.empty()) {
    // "*.example.com" is for what is below example.com, so the first label always goes.
    for (std::size_t dot = host.find('.'); dot != std::string_view::npos; dot = host.find('.', dot + 1)) {
      const auto found = wildcards_.find(host.substr(dot + 1));
      if (found == wildcards_.end()) continue;
      if (const Route* route = found->second.match(path)) return route;
    }
  }
  return any_.match(path);
}

// The first of two routes for the same host and path wins; the configuration warns of the other.
void RouteTable::Paths::add(const Route& route) {
  const std::string_view path = without_trailing_slash(route.path);
  by_path_.try_emplace(std::string(path), &route);
  longest_ = std::max(longest_, path.size());
}

const Route* RouteTable::Paths::match(std::string_view path) const {
  if (by_path_.empty()) return nullptr;
  if (!path.starts_with('/')) path = "/";  // "OPTIONS *"
  std::string_view prefix = without_trailing_slash(path);
  if (prefix.size() > longest_) {
    // Cut at the last slash that still leaves a prefix of a known length.
    const std::size_t slash = prefix.rfind('/', longest_);
    prefix = prefix.substr(0, std::max<std::size_t>(slash, 1));
  }
  for (; !prefix.empty(); prefix = parent(prefix)) {
    if (const auto found = by_path_.find(prefix); found != by_path_.end()) return found->second;
  }
  return nullptr;
}

}  // namespace gatehouse
