#include "proxy/runtime/upstream_settings.h"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <set>
#include <string_view>
#include <utility>
#include <variant>

#include "common/text.h"

namespace gatehouse {
namespace {

std::uint32_t narrowed(std::size_t value) {
  return static_cast<std::uint32_t>(std::min<std::size_t>(value, std::numeric_limits<std::uint32_t>::max()));
}

std::string in_directory(const std::string& directory, const std::string& file) {
  return file.empty() ? file : (std::filesystem::path(directory) / file).string();
}

ListedEndpoint listed_endpoint(const config::Endpoint& endpoint) {
  const auto* name = std::get_if<config::DnsName>(&endpoint.at);
  if (name == nullptr) {
    return {.at = std::get<Address>(endpoint.at), .weight = endpoint.weight, .localhost = endpoint.localhost};
  }
  return {.at = DnsQuestion{.name = name->name, .port = name->port}, .weight = endpoint.weight};
}

// Of the listeners with TLS, where all have the same; else 0.
std::uint16_t https_port(const config::Config& config) {
  std::uint16_t found = 0;
  for (const config::Listener& listener : config.listeners) {
    const std::uint16_t port = listener.address.port();
    if (!listener.tls || port == 0 || port == found) continue;
    if (found != 0) return 0;
    found = port;
  }
  return found;
}

// What clients of an upstream's routes say in Host, and what Host says at its endpoints then.
struct Hosts {
  // The one host that the routes are for; empty: none is said, or several are.
  std::string named;
  // The same, unless a route replaces it by the endpoint's address.
  std::string sent;
};

Hosts hosts_of(const config::Config& config, const std::string& upstream) {
  std::set<std::string> named;
  bool preserved = true;
  for (const config::Route& route : config.routes) {
    const auto* const forward = std::get_if<config::Forward>(&route.action);
    if (forward == nullptr || forward->upstream != upstream) continue;
    preserved = preserved && route.preserve_host;
    for (const std::string& host : route.hosts) {
      if (!host.starts_with('*')) named.insert(host);
    }
  }
  if (named.size() != 1) return {};
  return {.named = *named.begin(), .sent = preserved ? *named.begin() : std::string()};
}

// Fills in what is not said, so that what we ask looks like what clients ask: an application that knows its hosts and
// wants https would else refuse, or send us elsewhere.
void ask_like_a_client(const config::Config& config, const std::string& upstream, HealthOptions& health) {
  const Hosts hosts = hosts_of(config, upstream);
  const bool https =
      std::ranges::any_of(config.listeners, [](const auto& listener) { return listener.tls.has_value(); });
  const auto add = [&health](std::string_view name, std::string_view value) {
    const bool said =
        std::ranges::any_of(health.headers, [name](const auto& header) { return text::iequals(header.first, name); });
    if (!said && !value.empty()) health.headers.emplace_back(name, value);
  };
  add("X-Forwarded-Proto", https ? "https" : "http");
  add("X-Forwarded-Host", health.host.empty() ? hosts.named : health.host);
  if (health.host.empty()) health.host = hosts.sent;
}

}  // namespace

UpstreamOptions upstream_options(const config::Balancing& balancing) {
  return {
      .balance = balancing.balance,
      .hash_on = balancing.hash_on,
      .hash_name = balancing.hash_name,
      .sticky_cookie = balancing.sticky_cookie,
      .max_requests = narrowed(balancing.max_requests),
      .queue = narrowed(balancing.queue),
      .queue_timeout = balancing.queue_timeout,
      .slow_start = balancing.slow_start,
      .failures_to_eject = balancing.outlier.consecutive_failures,
      .failure_statuses = balancing.outlier.statuses,
      .when_all_unhealthy = balancing.when_all_unhealthy,
      .tolerance = balancing.tolerance,
      .proxy_protocol = balancing.proxy_protocol,
      .pool = balancing.pool,
  };
}

AppSpec app_spec(const config::App& app) {
  AppSpec spec{
      .name = app.name,
      .process = {.command = app.command,
                  .directory = app.directory,
                  .environment = app.environment,
                  .environment_file = app.environment_file,
                  .environment_from = app.environment_from,
                  .user = app.user,
                  .stop_signal = app.stop_signal},
      .instances = app.instances,
      .start = app.start,
      .transport = app.transport,
      .profile = app.profile,
      .readiness = {.path = app.ready_path, .warmup = app.warmup},
      .timing = {.start_timeout = app.start_timeout, .stop_timeout = app.stop_timeout, .idle_stop = app.idle_stop},
      .rapid_fail = app.rapid_fail,
      .recycle = app.recycle,
      .hooks = app.hooks,
      .offline_file = in_directory(app.directory, app.offline_file),
      .output = {.kind = app.output, .path = app.output_path},
  };
  for (std::string& path : spec.recycle.on_change) path = in_directory(app.directory, path);
  return spec;
}

DirectorySpec directory_spec(const config::Config& config, const TlsClients& clients) {
  DirectorySpec spec{.upstreams = {}, .apps = {}, .drain_timeout = config.server.drain_timeout};
  for (const config::Upstream& upstream : config.upstreams) {
    UpstreamSpec one{.name = upstream.name,
                     .endpoints = {},
                     .health = upstream.balancing.health,
                     .outlier = upstream.balancing.outlier};
    one.health.proxy_protocol = upstream.balancing.proxy_protocol;
    ask_like_a_client(config, upstream.name, one.health);
    const auto client = clients.find(upstream.name);
    for (const config::Endpoint& endpoint : upstream.endpoints) {
      ListedEndpoint& listed = one.endpoints.emplace_back(listed_endpoint(endpoint));
      if (endpoint.tls_host.empty() || client == clients.end()) continue;
      listed.tls = client->second;
      listed.tls_name = endpoint.tls_host;
    }
    spec.upstreams.push_back(std::move(one));
  }
  for (const config::App& app : config.apps) {
    HostedAppSpec& hosted = spec.apps.emplace_back(
        HostedAppSpec{.app = app_spec(app), .health = app.balancing.health, .outlier = app.balancing.outlier});
    ask_like_a_client(config, app.name, hosted.health);
    hosted.app.asked = {.host = hosted.health.host, .headers = hosted.health.headers};
    if (app.profile == AppProfile::kAspNetCore) hosted.app.https_port = https_port(config);
  }
  return spec;
}

}  // namespace gatehouse
