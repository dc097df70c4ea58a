#include "proxy/explain/route_reasons.h"

#include <format>
#include <utility>

#include "proxy/http/path_readings.h"

namespace gatehouse {
namespace {

constexpr std::size_t kMostNear = 5;

// What makes a host more specific than another, in the order of the table's look-up.
struct HostFit {
  enum class Kind { kNone, kAny, kWildcard, kExact };
  Kind kind = Kind::kNone;
  std::string name;  // as the route lists it
};

bool matches(std::vector<std::string> hosts, const std::string& route_path, std::string_view host,
             std::string_view path) {
  std::vector<Route> one;
  one.push_back({.hosts = std::move(hosts), .path = route_path});
  return RouteTable(std::move(one)).match(host, path) != nullptr;
}

bool path_fits(const Route& route, std::string_view path) {
  return matches({}, route.path, "", path);
}

HostFit host_fit(const Route& route, std::string_view host) {
  if (route.hosts.empty()) return {.kind = HostFit::Kind::kAny, .name = ""};
  HostFit best;
  for (const std::string& name : route.hosts) {
    if (!matches({name}, "/", host, "/")) continue;
    const auto kind = name.starts_with("*.") ? HostFit::Kind::kWildcard : HostFit::Kind::kExact;
    if (kind < best.kind || (kind == best.kind && name.size() <= best.name.size())) continue;
    best = {.kind = kind, .name = name};
  }
  return best;
}

std::string in_words(const HostFit& fit, std::string_view host) {
  switch (fit.kind) {
    case HostFit::Kind::kExact:
      return std::format("\"{}\" is one of its hosts", fit.name);
    case HostFit::Kind::kWildcard:
      return std::format("its host \"{}\" covers {}", fit.name, host.empty() ? "it" : host);
    case HostFit::Kind::kAny:
      return "it takes any host";
    case HostFit::Kind::kNone:
      break;
  }
  return "";
}

std::string why_less(const HostFit& chosen, const HostFit& other, const Route& route) {
  if (other.kind == chosen.kind && other.name == chosen.name) {
    return std::format("its path \"{}\" is shorter", route.path);
  }
  switch (other.kind) {
    case HostFit::Kind::kAny:
      return "it takes any host, which counts less";
    case HostFit::Kind::kWildcard:
      return std::format("its host \"{}\" counts less than {}", other.name,
                         chosen.kind == HostFit::Kind::kExact ? "an exact one" : "a longer one");
    default:
      return std::format("its path \"{}\" is shorter", route.path);
  }
}

std::string hosts_of(const Route& route) {
  std::string all;
  for (const std::string& host : route.hosts) all += (all.empty() ? "\"" : ", \"") + host + "\"";
  return all;
}

RouteReasons near_misses(const RouteTable& table, std::string_view host, std::string_view path) {
  RouteReasons reasons;
  reasons.why = "no route has this host and path";
  for (std::size_t i = 0; i < table.routes().size() && reasons.others.size() < kMostNear; ++i) {
    const Route& route = table.routes()[i];
    const bool host_fits = host_fit(route, host).kind != HostFit::Kind::kNone;
    if (host_fits) {
      reasons.others.push_back({.route = i, .why = std::format("its path is \"{}\"", route.path)});
    } else if (path_fits(route, path)) {
      reasons.others.push_back({.route = i, .why = std::format("its hosts are {}", hosts_of(route))});
    }
  }
  return reasons;
}

std::string name_of(const Route* route) {
  return route == nullptr ? "no route" : std::format("the route {}", route->name);
}

}  // namespace

std::string why_ambiguous(const RouteTable& table, std::string_view host, std::string_view path,
                          std::string_view canonical) {
  const auto readings = target::path_readings(path);
  if (!readings) return std::format("\"{}\" has a reading that is no path, or more readings than anybody needs", path);
  const Route* resolved = table.match(host, canonical);
  for (const std::string& reading : *readings) {
    const Route* route = table.match(host, reading);
    if (route == resolved) continue;
    return std::format("\"{}\" means two routes: as \"{}\" {}, and as \"{}\" {}", path, reading, name_of(route),
                       canonical, name_of(resolved));
  }
  return "";
}

RouteReasons route_reasons(const RouteTable& table, std::string_view host, std::string_view path) {
  const Route* chosen = table.match(host, path);
  if (chosen == nullptr) return near_misses(table, host, path);
  const HostFit fit = host_fit(*chosen, host);
  RouteReasons reasons{.chosen = chosen, .why = {}, .others = {}};
  for (std::size_t i = 0; i < table.routes().size(); ++i) {
    const Route& route = table.routes()[i];
    if (&route == chosen || !matches(route.hosts, route.path, host, path)) continue;
    reasons.others.push_back({.route = i, .why = why_less(fit, host_fit(route, host), route)});
  }
  reasons.why = std::format("{}; its path \"{}\" is {}", in_words(fit, host), chosen->path,
                            reasons.others.empty() ? "the only one that fits" : "the longest that fits there");
  return reasons;
}

}  // namespace gatehouse
