#include "config/validate.h"

#include <sys/socket.h>

#include <algorithm>
#include <cstddef>
#include <format>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "common/text.h"
#include "config/quoting.h"

namespace gatehouse::config {

namespace {

void append(std::vector<Diagnostic>& out, Severity severity, Location location, std::string message) {
  out.push_back({.severity = severity, .location = std::move(location), .message = std::move(message)});
}

void error(std::vector<Diagnostic>& out, const Location& location, std::string message) {
  append(out, Severity::kError, location, std::move(message));
}

void warning(std::vector<Diagnostic>& out, const Location& location, std::string message) {
  append(out, Severity::kWarning, location, std::move(message));
}

std::string in_line(const Location& location) {
  return location.line == 0 ? "another" : std::format("the one in line {}", location.line);
}

// One of them takes connections that are meant for the other. [::] is for v4 as well.
bool overlap(const Address& a, const Address& b) {
  if (a.family() == AF_UNSPEC || b.family() == AF_UNSPEC) return false;
  if (a == b) return a.is_unix() || a.port() != 0;  // port 0 is another one each time
  if (a.is_unix() || b.is_unix() || a.port() != b.port() || a.port() == 0) return false;
  const auto covers = [](const Address& any, const Address& other) {
    return any.is_any() && (any.family() == AF_INET6 || other.family() == AF_INET);
  };
  return covers(a, b) || covers(b, a);
}

void check_listeners(const Config& config, std::vector<Diagnostic>& out) {
  const auto is_https = [](const Listener& listener) { return listener.tls && !listener.address.is_unix(); };
  const bool any_https = std::ranges::any_of(config.listeners, is_https);
  for (auto listener = config.listeners.begin(); listener != config.listeners.end(); ++listener) {
    const auto other = std::find_if(config.listeners.begin(), listener, [&](const Listener& earlier) {
      return overlap(earlier.address, listener->address);
    });
    if (other != listener) {
      const bool same = other->address == listener->address;
      error(out, listener->location,
            std::format("the listener on {} {} {}", listener->address.to_string(),
                        same ? "has the address of" : "overlaps", in_line(other->location)) +
                (same ? "" : std::format(" on {}", other->address.to_string())));
    }
    if (listener->redirect_to_https && !any_https && !listener->tls) {
      error(out, listener->location, "\"redirect_to_https\" needs a listener with tls to redirect to; there is none");
    }
    if (config.server.admin && overlap(*config.server.admin, listener->address)) {
      error(out, listener->location,
            std::format("the listener on {} overlaps the admin address {}", listener->address.to_string(),
                        config.server.admin->to_string()));
    }
  }
}

// The longest path by whole segments wins and an exact host beats the others, so that only an equal pair is in the way.
void check_reachable(const Config& config, std::vector<Diagnostic>& out) {
  std::map<std::pair<std::string_view, std::string_view>, const Route*> seen;
  for (const Route& route : config.routes) {
    const auto claim = [&](std::string_view host, std::string_view shown) {
      const auto [at, is_new] = seen.try_emplace({host, route.path}, &route);
      if (is_new) return;
      error(out, route.location,
            std::format("unreachable route: {} has the same host ({}) and path ({})", in_line(at->second->location),
                        shown, in_quotes(route.path)));
    };
    if (route.path.empty()) continue;  // could not be read
    if (route.hosts.empty()) claim("", "any");
    for (const std::string& host : route.hosts) claim(host, in_quotes(host));
  }
}

// What a route may name.
struct Target {
  std::string_view kind;
  std::string_view name;
  const Location* location;
};

std::vector<Target> targets_of(const Config& config) {
  std::vector<Target> targets;
  for (const Upstream& upstream : config.upstreams) targets.push_back({"upstream", upstream.name, &upstream.location});
  for (const App& app : config.apps) targets.push_back({"app", app.name, &app.location});
  return targets;
}

void check_targets(const Config& config, std::vector<Diagnostic>& out) {
  const std::vector<Target> targets = targets_of(config);
  std::vector<std::string_view> names;
  std::ranges::transform(targets, std::back_inserter(names), &Target::name);
  std::set<std::string_view> used;
  for (const Route& route : config.routes) {
    const auto* const forward = std::get_if<Forward>(&route.action);
    if (forward == nullptr || forward->upstream.empty()) continue;
    used.insert(forward->upstream);
    if (std::ranges::contains(names, forward->upstream)) continue;
    const std::string_view near = text::nearest(forward->upstream, names);
    used.insert(near);
    const std::string name = in_quotes(forward->upstream);
    error(out, forward->location,
          std::format("there is no upstream or app {}", name) +
              (near.empty() ? std::format("; add [upstreams.{}] or [apps.{}]", name, name)
                            : std::format("; did you mean {}?", in_quotes(near))));
  }
  for (const Target& target : targets) {
    if (!used.contains(target.name)) {
      warning(out, *target.location, std::format("nobody uses the {} {}", target.kind, in_quotes(target.name)));
    }
  }
  for (const App& app : config.apps) {
    const auto same = std::ranges::find(config.upstreams, app.name, &Upstream::name);
    if (same == config.upstreams.end()) continue;
    error(out, app.location,
          std::format("the app {} has the name of the upstream in line {}; a route could not tell them apart",
                      in_quotes(app.name), same->location.line));
  }
}

void check_circles(const Config& config, std::vector<Diagnostic>& out) {
  for (const Upstream& upstream : config.upstreams) {
    for (const Endpoint& endpoint : upstream.endpoints) {
      const auto* const address = std::get_if<Address>(&endpoint.at);
      if (address == nullptr) continue;
      const auto loops = [&](const Listener& listener) {
        return listener.address == *address || (address->is_loopback() && overlap(listener.address, *address));
      };
      if (std::ranges::any_of(config.listeners, loops)) {
        warning(out, endpoint.location,
                std::format("the endpoint {} is a listener of this file: requests may go in circles",
                            address->to_string()));
      }
    }
  }
}

}  // namespace

std::vector<Diagnostic> validate(const Config& config) {
  std::vector<Diagnostic> out;
  check_listeners(config, out);
  check_reachable(config, out);
  check_targets(config, out);
  check_circles(config, out);
  std::ranges::move(validate_meaning(config), std::back_inserter(out));
  return out;
}

}  // namespace gatehouse::config
