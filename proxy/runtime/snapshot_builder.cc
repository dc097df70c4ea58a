#include "proxy/runtime/snapshot_builder.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <format>
#include <limits>
#include <tuple>
#include <type_traits>
#include <utility>

#include "common/crypto/certificate.h"
#include "common/crypto/mac.h"
#include "common/crypto/random.h"
#include "proxy/runtime/upstream_settings.h"

namespace gatehouse {
namespace {

ExchangeLimits exchange_limits(const config::Limits& limits, const config::Timeouts& timeouts) {
  return {
      .max_request_body = limits.max_request_body.value_or(kUnlimited),
      .request_body_timeout = timeouts.request_body,
      .connect_timeout = timeouts.connect,
      .response_timeout = timeouts.response,
      .response_body_timeout = timeouts.response_body,
      .response_write_timeout = timeouts.response_write,
  };
}

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

ClientLimits client_limits(const config::Limits& limits) {
  const auto& [connections, handshakes] = std::tie(limits.max_connections_per_client, limits.max_handshakes_per_client);
  return {.connections = connections.value,
          .handshakes = handshakes.value.count,
          .period = handshakes.value.period,
          .spare_connections_of_loopback = !connections.written,
          .spare_handshakes_of_loopback = !handshakes.written};
}

ListenerPolicy policy_of(const config::Config& config, const config::Listener& listener) {
  ListenerPolicy policy;
  policy.secure = listener.tls.has_value();
  policy.public_port = listener.address.port();
  policy.redirect_to_https = listener.redirect_to_https;
  policy.trusted_proxies = listener.trusted_proxies;
  policy.client_address = listener.client_address;
  policy.strip = listener.strip;
  policy.head.max_header_bytes = config.limits.max_header_bytes;
  policy.head.max_header_count = config.limits.max_header_count;
  policy.head.max_target_bytes = config.limits.max_target_bytes;
  policy.exchange = exchange_limits(config.limits, config.timeouts);
  policy.connection.max_requests = config.limits.max_requests_per_connection;
  policy.connection.max_streams = config.limits.max_streams;
  policy.connection.handshake_timeout = config.timeouts.handshake;
  policy.connection.header_timeout = config.timeouts.header;
  policy.connection.idle_timeout = config.timeouts.idle;
  policy.connection.linger_timeout = config.timeouts.linger;
  return policy;
}

QuicOptions quic_options(const config::Quic& quic, const config::Server& server) {
  QuicOptions options;
  if (!server.quic_server_id.empty()) options.ids = QuicIdLayout(server.quic_server_id, server.quic_config_id);
  options.congestion_control = quic.congestion_control;
  return options;
}

Result<std::shared_ptr<AccessLogSink>> access_log_of(const config::AccessLog& log, const Snapshot* current) {
  if (log.output == "off") return nullptr;
  const bool same = current != nullptr && current->access_log && current->access_log->output() == log.output &&
                    current->access_log->format() == log.format;
  if (same) return current->access_log;
  return AccessLogSink::open(log.output, log.format);
}

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
      ticket_keys_(std::make_shared<TicketKeys>()),
      process_budget_(std::make_shared<ConnectionBudget>(connections, std::make_shared<ClientTable>())) {}

std::expected<Snapshot, SnapshotBuilder::Diagnostics> SnapshotBuilder::build(const config::Config& config,
                                                                             const Snapshot* current) {
  Diagnostics diagnostics;
  Snapshot snapshot;
  snapshot.generation = ++generation_;
  snapshot.drain_timeout = config.server.drain_timeout;
  const std::vector<std::string> names = listener_names(config);
  for (std::size_t i = 0; i < names.size(); ++i) {
    snapshot.listeners.push_back(build_listener(config, config.listeners[i], names[i], diagnostics));
  }
  build_upstreams(config, snapshot);
  snapshot.routes = std::make_shared<RouteTable>(build_routes(config, snapshot));
  snapshot.redaction = std::make_shared<const Redaction>(config.log.redact);
  if (auto sink = access_log_of(config.log.access, current)) {
    snapshot.access_log = *std::move(sink);
  } else {
    diagnostics.push_back({.location = {.file = config.file}, .message = sink.error().message});
  }
  if (!diagnostics.empty()) return std::unexpected(std::move(diagnostics));
  return snapshot;
}

std::shared_ptr<TicketKeys> SnapshotBuilder::ticket_keys_of(const config::Tls& tls, Diagnostics& diagnostics) {
  if (!tls.session_tickets) return nullptr;
  if (tls.ticket_key_files.empty()) return ticket_keys_;
  std::vector<std::string> files;
  for (const config::KeyFile& file : tls.ticket_key_files) files.push_back(file.path);
  auto keys = TicketKeys::load(files);
  if (keys) return *std::move(keys);
  diagnostics.push_back({.location = tls.ticket_key_files.front().location, .message = keys.error().message});
  return nullptr;
}

std::shared_ptr<const TlsContexts> SnapshotBuilder::build_tls(const config::Listener& listener,
                                                              Diagnostics& diagnostics) {
  const config::Tls& tls = *listener.tls;
  TlsOptions options;
  options.unknown_sni = tls.unknown_sni;
  options.min_version = tls.min_version;
  options.ticket_keys = ticket_keys_of(tls, diagnostics);
  options.speaks_h1 = listener.protocols.h1;
  options.speaks_h2 = listener.protocols.h2;
  for (const config::CertificateFiles& files : tls.certificates) {
    if (auto certificate = Certificate::load(files.certificate, files.private_key)) {
      options.certificates.push_back(*std::move(certificate));
    } else {
      diagnostics.push_back({.location = files.location, .message = certificate.error().message});
    }
  }
  if (!diagnostics.empty()) return nullptr;
  auto contexts = TlsContexts::make(std::move(options));
  if (contexts) return *std::move(contexts);
  diagnostics.push_back({.location = listener.location, .message = contexts.error().message});
  return nullptr;
}

ListenerSnapshot SnapshotBuilder::build_listener(const config::Config& config, const config::Listener& listener,
                                                 std::string name, Diagnostics& diagnostics) {
  ListenerSnapshot snapshot;
  ListenerPolicy policy = policy_of(config, listener);
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
  if (listener.tls) snapshot.tls = build_tls(listener, diagnostics);
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

std::vector<Route> SnapshotBuilder::build_routes(const config::Config& config, const Snapshot& snapshot) const {
  std::vector<Route> routes;
  for (const config::Route& source : config.routes) {
    Route route;
    route.name = route_name(source);
    route.hosts = source.hosts;
    route.path = source.path;
    route.strip_prefix = source.strip_prefix;
    route.preserve_host = source.preserve_host;
    route.redirect_to_https = source.redirect_to_https;
    route.forwarded_rfc7239 = source.forwarded == config::ForwardedStyle::kRfc7239;
    route.real_ip = source.real_ip;
    if (sends_via(config, source)) route.pseudonym = pseudonym("route", route.name);
    route.request_headers = source.request_headers;
    route.response_headers = source.response_headers;
    route.limits = exchange_limits(config::limits_of(config, source), config::timeouts_of(config, source));
    if (const auto* forward = std::get_if<config::Forward>(&source.action)) {
      const auto upstream =
          std::ranges::find(snapshot.upstreams, forward->upstream,
                            [](const auto& candidate) -> const std::string& { return candidate->name(); });
      if (upstream == snapshot.upstreams.end()) continue;  // a valid configuration names no such upstream
      route.action = ForwardTo{*upstream};
    } else if (const auto* redirect = std::get_if<config::Redirect>(&source.action)) {
      route.action = RedirectTo{redirect->target, static_cast<std::uint16_t>(redirect->status)};
    } else if (const auto* respond = std::get_if<config::Respond>(&source.action)) {
      route.action = RespondWith{static_cast<std::uint16_t>(respond->status), respond->body};
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
    policy->https_port = https_port;
    policy->alt_svc = alt_svc_of(config.listeners[i], socket);
    listener.policy = std::move(policy);
    listener.speaks_h3 = listener.speaks_h3 && socket.quic;
  }
}

void SnapshotBuilder::committed(const config::Config& config) {
  const std::size_t wanted = config.limits.max_connections;
  process_budget_->set_limit(wanted == 0 ? connections_ : std::min(wanted, connections_));
  process_budget_->clients()->set_limits(client_limits(config.limits));
  const std::vector<std::string> names = listener_names(config);
  for (std::size_t i = 0; i < names.size(); ++i) budget_of(names[i])->set_limit(config.listeners[i].max_connections);
  std::erase_if(budgets_, [](const auto& entry) { return entry.second.use_count() == 1; });
}

std::shared_ptr<ConnectionBudget> SnapshotBuilder::budget_of(const std::string& listener) {
  std::shared_ptr<ConnectionBudget>& known = budgets_[listener];
  // Its limit comes with committed(), so that a snapshot that never is in force changes nothing.
  if (!known) known = std::make_shared<ConnectionBudget>(0, process_budget_);
  return known;
}

}  // namespace gatehouse
