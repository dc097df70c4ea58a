#include "config/validate.h"

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
#include "config/listener_index.h"
#include "config/quoting.h"
#include "config/target_rules.h"
#include "config/toml_writer.h"

namespace gatehouse::config {

namespace {

std::string the_one(const Location& here, const Location& other) {
  return other.line == 0 ? "another" : std::format("the one in {}", seen_from(here, other));
}

void check_listeners(const Config& config, const Gaps& gaps, std::vector<Diagnostic>& out) {
  const auto is_https = [](const Listener& listener) { return listener.tls && !listener.address.is_unix(); };
  const bool any_https = gaps.https || std::ranges::any_of(config.listeners, is_https);
  ListenerIndex earlier;
  for (const Listener& listener : config.listeners) {
    if (const Listener* const other = earlier.overlapping(listener.address); other != nullptr) {
      const bool same = other->address == listener.address;
      error(out, listener.location,
            std::format("the listener on {} {} {}", listener.address.to_string(),
                        same ? "has the address of" : "overlaps", the_one(listener.location, other->location)) +
                (same ? "" : std::format(" on {}", other->address.to_string())));
    }
    earlier.add(listener);
    if (listener.redirect_to_https && !any_https && !listener.tls) {
      error(out, listener.location, "\"redirect_to_https\" needs a listener with tls to redirect to; there is none");
    }
    if (config.server.admin && ListenerIndex::overlap(*config.server.admin, listener.address)) {
      error(out, listener.location,
            std::format("the listener on {} overlaps the admin address {}", listener.address.to_string(),
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
            std::format("unreachable route: {} has the same host ({}) and path ({})",
                        the_one(route.location, at->second->location), shown, in_quotes(route.path)));
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

void check_names(const Config& config, std::vector<Diagnostic>& out) {
  std::map<std::string_view, const Upstream*> upstreams;
  for (const Upstream& upstream : config.upstreams) upstreams.emplace(upstream.name, &upstream);
  for (const App& app : config.apps) {
    const auto same = upstreams.find(app.name);
    if (same == upstreams.end()) continue;
    error(out, app.location,
          std::format("the app {} has the name of the upstream in {}; a route could not tell them apart",
                      in_quotes(app.name), seen_from(app.location, same->second->location)));
  }
}

// The upstream that has this endpoint and no other, if there is one.
const Upstream* upstream_of(const Config& config, const std::string& address) {
  const auto below = split_endpoint(address);
  const auto endpoint = parse_endpoint_url(below ? below->endpoint : address);
  if (!endpoint) return nullptr;
  const auto is_it = [&](const Upstream& upstream) {
    return upstream.endpoints.size() == 1 && endpoint_text(upstream.endpoints.front()) == endpoint_text(*endpoint);
  };
  const auto found = std::ranges::find_if(config.upstreams, is_it);
  return found == config.upstreams.end() ? nullptr : &*found;
}

// A name that nothing has yet.
std::string free_name(const std::set<std::string_view>& taken) {
  std::string name = "app";
  for (unsigned number = 2; taken.contains(name); ++number) name = std::format("app{}", number);
  return name;
}

// An address where a name belongs: the lines that would do what was meant. `same` is an upstream that has it already.
Diagnostic address_as_target(const Forward& forward, const Upstream* same, const std::set<std::string_view>& taken) {
  const std::string& written = forward.upstream;
  const auto below = split_endpoint(written);
  const std::string address = below ? below->endpoint : written;
  Diagnostic diagnostic{.location = forward.location,
                        .message = std::format(R"("to": {} is no name of an upstream or an app)", in_quotes(written))};
  if (!parse_endpoint_url(address)) return diagnostic;
  const std::string name = same != nullptr ? same->name : free_name(taken);
  diagnostic.message += std::format("; write to = {}", in_quotes(name));
  diagnostic.remedy = std::format("# in this route:\nto = {}\n", literal(name));
  if (below) {
    const std::string rewrite = literal(below->path + "{path}");
    diagnostic.message += std::format(" and rewrite = {}", rewrite);
    diagnostic.remedy += std::format("rewrite = {}\n", rewrite);
  }
  if (same == nullptr) {
    const std::string endpoints = std::format("endpoints = [{}]", literal(address));
    diagnostic.message += std::format(", and [upstreams.{}] with {}", name, endpoints);
    diagnostic.remedy += std::format("# behind all routes:\n[upstreams.{}]\n{}\n", name, endpoints);
  }
  return diagnostic;
}

// Who may hand requests to others, and to whom.
struct Delegator {
  std::string_view kind;
  std::string_view name;
  const std::vector<Forward>* to;
};

std::vector<Delegator> delegators_of(const Config& config) {
  std::vector<Delegator> all;
  const auto add = [&](std::string_view kind, const auto& target) {
    if (!target.balancing.delegate_to.empty()) all.push_back({kind, target.name, &target.balancing.delegate_to});
  };
  for (const Upstream& upstream : config.upstreams) add("upstream", upstream);
  for (const App& app : config.apps) add("app", app);
  return all;
}

// Circles are fine: which of two knows better may depend on the request, and each request visits either once.
void check_delegates(const Config& config, const Gaps& gaps, std::vector<Diagnostic>& out) {
  std::vector<std::string_view> names;
  std::ranges::transform(targets_of(config), std::back_inserter(names), &Target::name);
  for (const Delegator& delegator : delegators_of(config)) {
    for (const Forward& delegate : *delegator.to) {
      if (delegate.upstream == delegator.name) {
        error(out, delegate.location,
              std::format("\"delegate_to\": the {} {} cannot hand requests to itself", delegator.kind,
                          in_quotes(delegator.name)));
      } else if (!gaps.targets && !std::ranges::contains(names, std::string_view(delegate.upstream))) {
        const std::string_view near = text::nearest(delegate.upstream, names);
        error(out, delegate.location,
              std::format("\"delegate_to\": there is no upstream or app {}", in_quotes(delegate.upstream)) +
                  (near.empty() ? "" : std::format("; did you mean {}?", in_quotes(near))));
      }
    }
  }
}

void check_targets(const Config& config, const Gaps& gaps, std::vector<Diagnostic>& out) {
  constexpr std::size_t kMostGuesses = 100;  // each compares one with all others
  const std::vector<Target> targets = targets_of(config);
  std::vector<std::string_view> names;
  std::ranges::transform(targets, std::back_inserter(names), &Target::name);
  const std::set<std::string_view> known(names.begin(), names.end());
  std::set<std::string_view> used;
  for (const Delegator& delegator : delegators_of(config)) {
    for (const Forward& delegate : *delegator.to) used.insert(delegate.upstream);
  }
  std::size_t guesses = 0;
  for (const Route& route : config.routes) {
    const auto* const forward = std::get_if<Forward>(&route.action);
    if (forward == nullptr || forward->upstream.empty()) continue;
    used.insert(forward->upstream);
    if (known.contains(forward->upstream)) continue;
    if (!is_target_name(forward->upstream)) {
      const bool may_look = ++guesses <= kMostGuesses;
      out.push_back(address_as_target(*forward, may_look ? upstream_of(config, forward->upstream) : nullptr, known));
      continue;
    }
    if (gaps.targets) continue;
    const std::string_view near =
        ++guesses > kMostGuesses ? std::string_view() : text::nearest(forward->upstream, names);
    used.insert(near);
    const std::string name = in_quotes(forward->upstream);
    error(out, forward->location,
          std::format("there is no upstream or app {}", name) +
              (near.empty() ? std::format("; add [upstreams.{}] or [apps.{}]", name, name)
                            : std::format("; did you mean {}?", in_quotes(near))));
  }
  if (gaps.routes) return;
  for (const Target& target : targets) {
    if (!used.contains(target.name)) {
      warning(out, *target.location, std::format("nobody uses the {} {}", target.kind, in_quotes(target.name)));
    }
  }
}

// A client that is told to come back with HTTP/1.1 must find somebody who speaks it.
void check_h1_routes(const Config& config, std::vector<Diagnostic>& out) {
  const auto speaks_h1 = [](const Listener& listener) { return listener.protocols.h1; };
  if (config.listeners.empty() || std::ranges::any_of(config.listeners, speaks_h1)) return;
  for (const Route& route : config.routes) {
    if (!route.h1_only && !route.connection_auth) continue;
    error(out, route.location,
          "the route is for HTTP/1.1 alone, which no listener speaks: h2 and h3 would be told to come back with it in "
          "vain; add \"h1\" to \"protocols\" of a listener");
  }
}

// A request that is repeated by somebody else must not be answered as one of the client that has shown who it is.
void check_early_data(const Config& config, std::vector<Diagnostic>& out) {
  const auto early = std::ranges::find_if(
      config.listeners, [](const Listener& listener) { return listener.tls && listener.tls->early_data; });
  if (early == config.listeners.end()) return;
  for (const Route& route : config.routes) {
    if (!route.connection_auth) continue;
    error(out, route.location,
          std::format("\"connection_auth\" ties who a client is to its connection, and early data may be somebody "
                      "else's copy; leave out \"early_data\" of the listener in {}, or \"connection_auth\"",
                      seen_from(route.location, early->location)));
  }
}

// What is stored is for everybody; certificates are for telling clients apart.
void check_caches(const Config& config, std::vector<Diagnostic>& out) {
  const auto asks = std::ranges::find_if(config.listeners, [](const Listener& listener) {
    return listener.tls && listener.tls->client_auth != ClientAuth::kNone;
  });
  if (asks == config.listeners.end()) return;
  for (const Route& route : config.routes) {
    if (route.cache == Caching::kOff) continue;
    error(out, route.location,
          std::format("\"cache\" keeps for everybody what a client with a certificate may have been told; leave out "
                      "\"client_auth\" of the listener in {}, or \"cache\"",
                      seen_from(route.location, asks->location)));
  }
}

void check_circles(const Config& config, std::vector<Diagnostic>& out) {
  ListenerIndex listeners;
  for (const Listener& listener : config.listeners) listeners.add(listener);
  for (const Upstream& upstream : config.upstreams) {
    for (const Endpoint& endpoint : upstream.endpoints) {
      const auto* const address = std::get_if<Address>(&endpoint.at);
      if (address == nullptr) continue;
      const Listener* const listener =
          address->is_loopback() ? listeners.overlapping(*address) : listeners.at(*address);
      if (listener == nullptr) continue;
      warning(
          out, endpoint.location,
          std::format("the endpoint {} is a listener of this file: requests may go in circles", address->to_string()));
    }
  }
}

// The stock host would listen on a port of its own, and what comes to the inherited socket would wait for ever.
void check_profiles(const Config& config, std::vector<Diagnostic>& out) {
  for (const App& app : config.apps) {
    if (app.profile != AppProfile::kAspNetCore || app.transport != AppTransport::kInherit) continue;
    error(out, app.location,
          std::format("the app {}: the host of ASP.NET Core takes no socket that it inherits; write transport = "
                      "\"port\" or \"socket\", or leave \"profile\" out where the app calls kestrel.UseSystemd()",
                      in_quotes(app.name)));
  }
}

// "{port}" where the app is told of a socket, or the other way round, is handed over as it is written.
void check_placeholders(const Config& config, std::vector<Diagnostic>& out) {
  const auto check = [&](const App& app, std::string_view placeholder, AppTransport told) {
    const auto has = [&](const std::string& text) { return text.contains(placeholder) && app.transport != told; };
    if (!std::ranges::any_of(app.command, has)) return;
    warning(out, app.command_location,
            std::format("{} stands for nothing where \"transport\" is not \"{}\"", placeholder,
                        told == AppTransport::kPort ? "port" : "socket"));
  };
  for (const App& app : config.apps) {
    check(app, "{port}", AppTransport::kPort);
    check(app, "{socket}", AppTransport::kSocket);
  }
}

}  // namespace

std::vector<Diagnostic> validate(const Config& config, const Gaps& gaps) {
  std::vector<Diagnostic> out;
  check_listeners(config, gaps, out);
  check_reachable(config, out);
  check_names(config, out);
  check_targets(config, gaps, out);
  check_delegates(config, gaps, out);
  check_h1_routes(config, out);
  check_early_data(config, out);
  check_caches(config, out);
  check_circles(config, out);
  check_profiles(config, out);
  check_placeholders(config, out);
  std::ranges::move(validate_auth(config), std::back_inserter(out));
  std::ranges::move(validate_reservations(config), std::back_inserter(out));
  std::ranges::move(validate_meaning(config), std::back_inserter(out));
  return out;
}

}  // namespace gatehouse::config
