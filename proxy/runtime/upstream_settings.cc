#include "proxy/runtime/upstream_settings.h"

#include <algorithm>
#include <filesystem>
#include <limits>
#include <utility>
#include <variant>

#include "proxy/health/health_checker.h"
#include "proxy/health/outlier.h"

namespace gatehouse {
namespace {

std::uint32_t narrowed(std::size_t value) {
  return static_cast<std::uint32_t>(std::min<std::size_t>(value, std::numeric_limits<std::uint32_t>::max()));
}

Balance balance_of(config::Balance balance) {
  switch (balance) {
    case config::Balance::kRoundRobin:
      return Balance::kRoundRobin;
    case config::Balance::kRandom:
      return Balance::kRandom;
    case config::Balance::kHash:
      return Balance::kHash;
    case config::Balance::kLeastRequests:
      break;
  }
  return Balance::kLeastRequests;
}

HashOn hash_on_of(config::HashOn hash_on) {
  switch (hash_on) {
    case config::HashOn::kHeader:
      return HashOn::kHeader;
    case config::HashOn::kCookie:
      return HashOn::kCookie;
    case config::HashOn::kPath:
      return HashOn::kPath;
    case config::HashOn::kClientIp:
      break;
  }
  return HashOn::kClientAddress;
}

AppTransport transport_of(config::AppTransport transport) {
  switch (transport) {
    case config::AppTransport::kSocket:
      return AppTransport::kSocket;
    case config::AppTransport::kInherit:
      return AppTransport::kInherit;
    case config::AppTransport::kPort:
      break;
  }
  return AppTransport::kPort;
}

AppOutput output_of(config::AppOutput output) {
  switch (output) {
    case config::AppOutput::kFile:
      return AppOutput::kFile;
    case config::AppOutput::kInherit:
      return AppOutput::kInherit;
    case config::AppOutput::kOff:
      return AppOutput::kOff;
    case config::AppOutput::kLog:
      break;
  }
  return AppOutput::kLog;
}

std::string in_directory(const std::string& directory, const std::string& file) {
  return file.empty() ? file : (std::filesystem::path(directory) / file).string();
}

HealthOptions health_options(const config::Health& health) {
  return {.path = health.path,
          .interval = health.interval,
          .timeout = health.timeout,
          .unhealthy_after = health.unhealthy_after,
          .healthy_after = health.healthy_after,
          .expect_first = health.expect_first,
          .expect_last = health.expect_last,
          .wait_for_first = health.initial == config::InitialHealth::kWait};
}

OutlierOptions outlier_options(const config::Outlier& outlier) {
  return {.consecutive_failures = outlier.consecutive_failures,
          .eject_for = outlier.eject_for,
          .max_ejected = outlier.max_ejected};
}

ListedEndpoint listed_endpoint(const config::Endpoint& endpoint) {
  const auto* name = std::get_if<config::DnsName>(&endpoint.at);
  if (name == nullptr) return {.at = std::get<Address>(endpoint.at), .weight = endpoint.weight};
  return {.at = DnsQuestion{.name = name->name, .port = name->port}, .weight = endpoint.weight};
}

}  // namespace

UpstreamOptions upstream_options(const config::Balancing& balancing) {
  return {
      .balance = balance_of(balancing.balance),
      .hash_on = hash_on_of(balancing.hash_on),
      .hash_name = balancing.hash_name,
      .sticky_cookie = balancing.sticky_cookie,
      .max_requests = narrowed(balancing.max_requests),
      .queue = narrowed(balancing.queue),
      .queue_timeout = balancing.queue_timeout,
      .slow_start = balancing.health.slow_start,
      .failures_to_eject = balancing.outlier.consecutive_failures,
      .pool = {.idle_timeout = balancing.pool.idle_timeout, .max_idle = balancing.pool.max_idle},
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
      .start = app.start == config::AppStart::kEager ? AppStart::kEager : AppStart::kOnDemand,
      .transport = transport_of(app.transport),
      .profile = app.profile == config::AppProfile::kAspNetCore ? AppProfile::kAspNetCore : AppProfile::kGeneric,
      .readiness = {.path = app.ready_path, .warmup = app.warmup},
      .timing = {.start_timeout = app.start_timeout, .stop_timeout = app.stop_timeout, .idle_stop = app.idle_stop},
      .rapid_fail = {.count = app.rapid_fail.count, .window = app.rapid_fail.window},
      .recycle = {.every = app.recycle.every, .requests = app.recycle.requests, .memory = app.recycle.memory},
      .offline_file = in_directory(app.directory, app.offline_file),
      .output = {.kind = output_of(app.output), .path = app.output_path},
  };
  for (const std::string& path : app.recycle.on_change) {
    spec.recycle.on_change.push_back(in_directory(app.directory, path));
  }
  return spec;
}

DirectorySpec directory_spec(const config::Config& config) {
  DirectorySpec spec{.upstreams = {}, .apps = {}, .drain_timeout = config.server.drain_timeout};
  for (const config::Upstream& upstream : config.upstreams) {
    UpstreamSpec one{.name = upstream.name,
                     .endpoints = {},
                     .health = health_options(upstream.balancing.health),
                     .outlier = outlier_options(upstream.balancing.outlier)};
    for (const config::Endpoint& endpoint : upstream.endpoints) one.endpoints.push_back(listed_endpoint(endpoint));
    spec.upstreams.push_back(std::move(one));
  }
  for (const config::App& app : config.apps) {
    spec.apps.push_back({.app = app_spec(app),
                         .health = health_options(app.balancing.health),
                         .outlier = outlier_options(app.balancing.outlier)});
  }
  return spec;
}

}  // namespace gatehouse
