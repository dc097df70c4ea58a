#include "proxy/runtime/upstream_settings.h"

#include <algorithm>
#include <filesystem>
#include <limits>
#include <utility>
#include <variant>

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
  if (name == nullptr) return {.at = std::get<Address>(endpoint.at), .weight = endpoint.weight};
  return {.at = DnsQuestion{.name = name->name, .port = name->port}, .weight = endpoint.weight};
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
      .offline_file = in_directory(app.directory, app.offline_file),
      .output = {.kind = app.output, .path = app.output_path},
  };
  for (std::string& path : spec.recycle.on_change) path = in_directory(app.directory, path);
  return spec;
}

DirectorySpec directory_spec(const config::Config& config) {
  DirectorySpec spec{.upstreams = {}, .apps = {}, .drain_timeout = config.server.drain_timeout};
  for (const config::Upstream& upstream : config.upstreams) {
    UpstreamSpec one{.name = upstream.name,
                     .endpoints = {},
                     .health = upstream.balancing.health,
                     .outlier = upstream.balancing.outlier};
    for (const config::Endpoint& endpoint : upstream.endpoints) one.endpoints.push_back(listed_endpoint(endpoint));
    spec.upstreams.push_back(std::move(one));
  }
  for (const config::App& app : config.apps) {
    spec.apps.push_back({.app = app_spec(app), .health = app.balancing.health, .outlier = app.balancing.outlier});
  }
  return spec;
}

}  // namespace gatehouse
