#include "proxy/runtime/snapshot_builder.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <format>
#include <type_traits>
#include <utility>

#include "common/crypto/mac.h"
#include "common/crypto/random.h"
#include "proxy/forward/delegation.h"
#include "proxy/gates/address_gate.h"
#include "proxy/gates/auth_gate.h"
#include "proxy/runtime/file_settings.h"
#include "proxy/runtime/listener_settings.h"
#include "proxy/runtime/upstream_settings.h"

namespace gatehouse {
namespace {

std::string random_key() {
  std::array<std::uint8_t, 32> bytes{};
  random::fill_secure(bytes);
  return {bytes.begin(), bytes.end()};
}

// No Via where the endpoints of its upstream or app shall not see one.
bool sends_via(const config::Config& config, const config::Route& route) {
  const auto* const forward = std::get_if<config::Forward>(&route.action);
  if (forward == nullptr) return false;
  const auto refuses = [&](const auto& target) { return target.name == forward->upstream && !target.balancing.via; };
  return std::ranges::none_of(config.upstreams, refuses) && std::ranges::none_of(config.apps, refuses);
}

Result<std::shared_ptr<AccessLogSink>> access_log_of(const config::AccessLog& log, const Snapshot* current) {
  if (log.output == "off") return nullptr;
  const bool same = current != nullptr && current->access_log && current->access_log->output() == log.output &&
                    current->access_log->asked() == log.format;
  if (same) return current->access_log;
  return AccessLogSink::open(log.output, log.format);
}

// A route that keeps its name and its bandwidth keeps its throttle: what is under way counts on.
class Throttles {
 public:
  explicit Throttles(const Snapshot* current) {
    if (current == nullptr) return;
    for (const Route& route : current->routes->routes()) {
      if (route.throttle) known_[route.name] = route.throttle;
    }
  }

  std::shared_ptr<RouteThrottle> of(const std::string& route, std::uint64_t bandwidth) const {
    if (bandwidth == 0) return nullptr;
    const auto known = known_.find(route);
    if (known != known_.end() && known->second->requests.rate() == bandwidth) return known->second;
    return std::make_shared<RouteThrottle>(bandwidth);
  }

 private:
  std::map<std::string, std::shared_ptr<RouteThrottle>> known_;
};

// Whom each of the snapshot's upstreams may hand requests to.
class Delegators {
 public:
  Delegators(const config::Config& config, const Snapshot& snapshot) {
    for (const auto& upstream : snapshot.upstreams) table_->push_back({.upstream = upstream, .targets = {}});
    for (const config::Upstream& upstream : config.upstreams) allow(upstream.name, upstream.balancing);
    for (const config::App& app : config.apps) allow(app.name, app.balancing);
  }

  // Of the snapshot's upstream with this index. Null: it may hand requests to nobody.
  std::shared_ptr<const Delegator> of(std::size_t index) const {
    const Delegator& delegator = (*table_)[index];
    if (delegator.targets.empty()) return nullptr;
    return {table_, &delegator};
  }

 private:
  Delegator* find(const std::string& name) const {
    const auto found =
        std::ranges::find_if(*table_, [&](const Delegator& each) { return each.upstream->name() == name; });
    return found == table_->end() ? nullptr : &*found;
  }

  void allow(const std::string& name, const config::Balancing& balancing) {
    for (const config::Forward& delegate : balancing.delegate_to) {
      const Delegator* const target = find(delegate.upstream);
      if (target != nullptr) find(name)->targets.push_back(target);
    }
  }

  // Complete before anybody points into it.
  std::shared_ptr<std::vector<Delegator>> table_ = std::make_shared<std::vector<Delegator>>();
};

// The port that the world sees of a listener.
std::uint16_t public_port(const config::Listener& listener, std::uint16_t bound) {
  return listener.alt_svc.mode == config::AltSvcMode::kPort ? listener.alt_svc.port : bound;
}

std::string alt_svc_of(const config::Listener& listener, const BoundListener& bound) {
  if (!bound.quic || !listener.protocols.h3 || listener.alt_svc.mode == config::AltSvcMode::kOff) return {};
  const auto max_age = std::chrono::duration_cast<std::chrono::seconds>(listener.alt_svc.max_age).count();
  return std::format("h3=\":{}\"; ma={}", public_port(listener, bound.port), max_age);
}

}  // namespace

std::vector<std::string> listener_names(const config::Config& config) {
  std::vector<std::string> names;
  std::map<std::string, std::size_t> times;
  for (const config::Listener& listener : config.listeners) {
    const Address& address = listener.address;
    const bool everywhere = address.is_any() && address.family() == AF_INET6;
    std::string name = everywhere ? std::format(":{}", address.port()) : address.to_string();
    const std::size_t time = ++times[name];
    if (time > 1) name += std::format("#{}", time);
    names.push_back(std::move(name));
  }
  return names;
}

std::string route_name(const config::Route& route) {
  return (route.hosts.empty() ? "*" : route.hosts.front()) + route.path;
}

SnapshotBuilder::SnapshotBuilder(std::size_t connections, UpstreamDirectory& directory, std::string affinity_key)
    : connections_(connections),
      directory_(directory),
      affinity_key_(std::move(affinity_key)),
      pseudonym_key_(random_key()),
      process_budget_(std::make_shared<ConnectionBudget>(connections, std::make_shared<ClientTable>())),
      cache_(std::make_shared<cache::Cache>(CacheLimits{}.memory)) {}

std::expected<Snapshot, SnapshotBuilder::Diagnostics> SnapshotBuilder::build(const config::Config& config,
                                                                             TlsMaterial tls, const Snapshot* current) {
  Snapshot snapshot;
  snapshot.generation = ++generation_;
  snapshot.drain_timeout = config.server.drain_timeout;
  const std::vector<std::string> names = listener_names(config);
  for (std::size_t i = 0; i < names.size(); ++i) {
    snapshot.listeners.push_back(build_listener(config, config.listeners[i], names[i]));
    snapshot.listeners.back().tls = std::move(tls.listeners[i]);
  }
  build_upstreams(config, snapshot);
  snapshot.tls_clients = std::move(tls.clients);
  snapshot.routes = std::make_shared<RouteTable>(build_routes(config, snapshot, current, tls.auth));
  snapshot.cache = cache_;
  if (!config.reservations.empty()) {
    snapshot.registered_form = std::make_shared<const RegisteredRouteForm>(
        RegisteredRouteForm{.limits = exchange_limits(config.limits, config.timeouts),
                            .pseudonym = pseudonym("route", "registered"),
                            .options = upstream_options({})});
  }
  snapshot.redaction = std::make_shared<const Redaction>(config.log.redact);
  auto sink = access_log_of(config.log.access, current);
  if (!sink) return std::unexpected(Diagnostics{{.location = {.file = config.file}, .message = sink.error().message}});
  snapshot.access_log = *std::move(sink);
  return snapshot;
}

ListenerSnapshot SnapshotBuilder::build_listener(const config::Config& config, const config::Listener& listener,
                                                 std::string name) {
  ListenerSnapshot snapshot;
  ListenerPolicy policy = listener_policy(config, listener);
  policy.name = name;
  policy.pseudonym = pseudonym("listener", name);
  snapshot.policy = std::make_shared<const ListenerPolicy>(std::move(policy));
  snapshot.name = std::move(name);
  snapshot.address = listener.address;
  snapshot.budget = budget_of(snapshot.name);
  snapshot.speaks_h1 = listener.protocols.h1;
  snapshot.speaks_h2 = listener.tls ? listener.protocols.h2 : listener.protocols.h2c;
  snapshot.speaks_h3 = listener.protocols.h3;
  snapshot.quic = quic_options(listener.quic, config.server);
  return snapshot;
}

void SnapshotBuilder::build_upstreams(const config::Config& config, Snapshot& snapshot) {
  const auto add = [&](const std::string& name, UpstreamOptions options) {
    options.affinity_key = affinity_key_;
    snapshot.upstreams.push_back(std::make_shared<Upstream>(name, directory_.membership(name), std::move(options)));
  };
  for (const config::Upstream& upstream : config.upstreams) add(upstream.name, upstream_options(upstream.balancing));
  for (const config::App& app : config.apps) {
    UpstreamOptions options = upstream_options(app.balancing);
    options.detailed_errors = app.detailed_errors;
    add(app.name, std::move(options));
  }
}

// Half of what Via calls us: the other half is the route's, or the listener's. Says nothing to whoever has no key.
std::string SnapshotBuilder::pseudonym(std::string_view kind, std::string_view name) const {
  constexpr std::size_t kDigits = 12;
  return mac::sign(pseudonym_key_, std::format("{}\n{}", kind, name)).substr(0, kDigits);
}

bool SnapshotBuilder::build_action(const config::Config& config, const config::Route& source, const Snapshot& snapshot,
                                   Route& route) const {
  if (const auto* forward = std::get_if<config::Forward>(&source.action)) {
    const auto upstream =
        std::ranges::find(snapshot.upstreams, forward->upstream,
                          [](const auto& candidate) -> const std::string& { return candidate->name(); });
    if (upstream == snapshot.upstreams.end()) return false;
    route.action = ForwardTo{.upstream = *upstream, .send_file = send_file(config, forward->upstream, file_pool_)};
  } else if (const auto* redirect = std::get_if<config::Redirect>(&source.action)) {
    route.action = RedirectTo{redirect->target, static_cast<std::uint16_t>(redirect->status)};
  } else if (const auto* respond = std::get_if<config::Respond>(&source.action)) {
    route.action = RespondWith{static_cast<std::uint16_t>(respond->status), respond->body};
  } else if (const auto* files = std::get_if<config::Files>(&source.action)) {
    route.action = ServeFiles{file_site(*files, file_pool_)};
    // A file has one name, however it is asked for.
    route.path_as = PathAs::kCanonical;
  }
  return true;
}

// An upstream that is another one under the name of the former has other responses: what belongs together is told by both
// names.
std::shared_ptr<const cache::Policy> SnapshotBuilder::cache_policy(const config::Config& config,
                                                                   const config::Route& route) const {
  const auto* const forward = std::get_if<config::Forward>(&route.action);
  if (route.cache == Caching::kOff || forward == nullptr) return nullptr;
  return std::make_shared<const cache::Policy>(
      cache::Policy{.caching = route.cache,
                    .obeys_clients = route.cache_obeys_clients,
                    .max_entry = config.cache.max_entry,
                    .scope = std::format("{} {}", route_name(route), forward->upstream),
                    .cache = cache_});
}

std::vector<Route> SnapshotBuilder::build_routes(const config::Config& config, const Snapshot& snapshot,
                                                 const Snapshot* current, const AuthGates& auth) const {
  const Throttles throttles(current);
  const Delegators delegators(config, snapshot);
  std::vector<Route> routes;
  for (std::size_t i = 0; i < config.routes.size(); ++i) {
    const config::Route& source = config.routes[i];
    Route route;
    route.name = route_name(source);
    route.hosts = source.hosts;
    route.path = source.path;
    route.strip_prefix = source.strip_prefix;
    route.preserve_host = source.preserve_host;
    route.path_as = source.path_as;
    route.redirect_to_https = source.redirect_to_https;
    route.forwarded_rfc7239 = source.forwarded == config::ForwardedStyle::kRfc7239;
    route.real_ip = source.real_ip;
    route.upgrade = source.upgrade;
    route.h1_only = source.h1_only || source.connection_auth;
    route.connection_auth = source.connection_auth;
    route.grpc = source.grpc;
    route.push = source.push;
    route.early_hints = source.early_hints;
    if (sends_via(config, source)) route.pseudonym = pseudonym("route", route.name);
    route.request_headers = source.request_headers;
    route.response_headers = source.response_headers;
    const config::Limits limits = config::limits_of(config, source);
    route.limits = exchange_limits(limits, config::timeouts_of(config, source));
    route.rewrite = source.rewrite;
    route.cache = cache_policy(config, source);
    route.address_gate = AddressGate(source.allow, source.deny);
    route.auth = auth[i];
    route.throttle = throttles.of(route.name, limits.bandwidth);
    route.limits.half_closed = source.half_closed;
    if (!build_action(config, source, snapshot, route)) continue;  // a valid configuration names no such upstream
    if (auto* forward = std::get_if<ForwardTo>(&route.action)) {
      const auto upstream = std::ranges::find(snapshot.upstreams, forward->upstream);
      forward->delegator = delegators.of(static_cast<std::size_t>(upstream - snapshot.upstreams.begin()));
    }
    routes.push_back(std::move(route));
  }
  return routes;
}

void SnapshotBuilder::settle(Snapshot& snapshot, const config::Config& config,
                             const std::map<std::string, BoundListener>& bound) {
  const auto bound_of = [&bound](const std::string& name) {
    const auto found = bound.find(name);
    return found == bound.end() ? BoundListener{} : found->second;
  };
  std::uint16_t https_port = 443;
  const auto https = std::ranges::find_if(
      config.listeners, [](const auto& listener) { return listener.tls.has_value() && !listener.address.is_unix(); });
  if (https != config.listeners.end()) {
    const auto index = static_cast<std::size_t>(https - config.listeners.begin());
    https_port = public_port(*https, bound_of(snapshot.listeners[index].name).port);
  }

  for (std::size_t i = 0; i < snapshot.listeners.size(); ++i) {
    ListenerSnapshot& listener = snapshot.listeners[i];
    const BoundListener socket = bound_of(listener.name);
    auto policy = std::make_shared<ListenerPolicy>(*listener.policy);
    policy->public_port = public_port(config.listeners[i], socket.port);
    policy->address = listener.address;
    policy->address.set_port(socket.port);
    policy->https_port = https_port;
    policy->alt_svc = alt_svc_of(config.listeners[i], socket);
    policy->alt_svc_state = socket.alt_svc_state;
    listener.policy = std::move(policy);
    listener.speaks_h3 = listener.speaks_h3 && socket.quic;
  }
}

void SnapshotBuilder::committed(const config::Config& config) {
  cache_->store.set_memory(config.cache.memory);
  const std::size_t wanted = config.limits.max_connections;
  const bool configured = wanted != 0 && wanted <= connections_;
  process_budget_->set_limit(configured ? wanted : connections_,
                             configured ? ConnectionLimit::kProcess : ConnectionLimit::kOpenFiles);
  process_budget_->clients()->set_limits(client_limits(config.limits));
  const std::vector<std::string> names = listener_names(config);
  for (std::size_t i = 0; i < names.size(); ++i) {
    budget_of(names[i])->set_limit(config.listeners[i].max_connections, ConnectionLimit::kListener);
  }
  std::erase_if(budgets_, [](const auto& entry) { return entry.second.use_count() == 1; });
}

std::shared_ptr<ConnectionBudget> SnapshotBuilder::budget_of(const std::string& listener) {
  std::shared_ptr<ConnectionBudget>& known = budgets_[listener];
  // Its limit comes with committed(), so that a snapshot that never is in force changes nothing.
  if (!known) known = std::make_shared<ConnectionBudget>(0, process_budget_);
  return known;
}

}  // namespace gatehouse
