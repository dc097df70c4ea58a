#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <format>
#include <string>
#include <string_view>
#include <variant>

#include "config/quoting.h"
#include "config/units.h"
#include "config/validate.h"

namespace gatehouse::config {

namespace {

using std::chrono::seconds;

void check_connections(const Config& config, const Listener& listener, std::vector<Diagnostic>& out) {
  const std::size_t all = config.limits.max_connections;
  if (all == 0 || listener.max_connections <= all) return;
  warning(out, listener.location,
          std::format("\"max_connections\" of the listener is {}, but all listeners together may have {} "
                      "([limits] max_connections)",
                      listener.max_connections, all));
}

// Whoever serves the world on all addresses with TLS has the admin pages beside it.
void check_admin(const Config& config, std::vector<Diagnostic>& out) {
  if (!config.server.admin || config.server.admin->is_loopback()) return;
  const bool faces_clients = std::ranges::any_of(
      config.listeners, [](const Listener& listener) { return listener.tls && listener.address.is_any(); });
  if (!faces_clients) return;
  warning(out, config.server.admin_location,
          std::format("\"admin\": metrics and status on {} are for everybody who can reach it, as clients may; write "
                      "\"127.0.0.1:{}\", or close it with a firewall",
                      config.server.admin->to_string(), config.server.admin->port()));
}

// What a server accepts, as its documentation has it, unless it is told otherwise.
struct ServerProgram {
  std::string_view program;  // the first word of the command, without its folder
  std::string_view name;
  milliseconds keep_alive;
  std::string_view keep_alive_setting;
};

constexpr std::array<ServerProgram, 4> kServers = {{
    {"dotnet", "Kestrel", seconds(130), "Limits.KeepAliveTimeout"},
    {"node", "Node.js", seconds(5), "server.keepAliveTimeout"},
    {"gunicorn", "Gunicorn", seconds(2), "--keep-alive"},
    {"uvicorn", "Uvicorn", seconds(5), "--timeout-keep-alive"},
}};

const ServerProgram* program_of(const App& app) {
  if (app.command.empty()) return nullptr;
  const std::string program = std::filesystem::path(app.command.front()).filename().string();
  const auto* const found = std::ranges::find(kServers, std::string_view(program), &ServerProgram::program);
  if (found != kServers.end()) return found;
  return app.profile == AppProfile::kAspNetCore ? kServers.data() : nullptr;
}

// Connections that we keep for longer than the app does are closed by it, some just as a request comes. What nobody has
// raised is learned from the app's answers well enough.
void check_keep_alive(const App& app, std::vector<Diagnostic>& out) {
  const ServerProgram* const server = program_of(app);
  const milliseconds ours = app.balancing.pool.idle_timeout;
  if (server == nullptr || ours <= PoolOptions{}.idle_timeout || ours <= server->keep_alive) return;
  warning(
      out, app.location,
      std::format("the app {} is kept connected for {} (pool.idle_timeout), but {} closes idle connections after {} "
                  "unless told otherwise ({}); stay below it",
                  in_quotes(app.name), format_duration(ours), server->name, format_duration(server->keep_alive),
                  server->keep_alive_setting));
}

void check_head_limits(const Config& config, const App& app, std::vector<Diagnostic>& out) {
  constexpr std::size_t kKestrelHeaderBytes = 32768;
  constexpr std::size_t kKestrelHeaderCount = 100;
  constexpr std::size_t kKestrelRequestLine = 8192;
  if (app.profile != AppProfile::kAspNetCore) return;
  const auto check = [&](std::string_view key, std::size_t ours, std::size_t theirs, std::string_view setting) {
    if (ours <= theirs) return;
    warning(out, app.location,
            std::format("[limits] {} is {}, but Kestrel takes {} unless told otherwise ({}): the app {} refuses what "
                        "is larger",
                        key, ours, theirs, setting, in_quotes(app.name)));
  };
  check("max_header_bytes", config.limits.max_header_bytes, kKestrelHeaderBytes, "Limits.MaxRequestHeadersTotalSize");
  check("max_header_count", config.limits.max_header_count, kKestrelHeaderCount, "Limits.MaxRequestHeaderCount");
  check("max_target_bytes", config.limits.max_target_bytes, kKestrelRequestLine, "Limits.MaxRequestLineSize");
}

// Who shortens the wait but knows that a start takes long gets no first answer.
void check_start(const App& app, std::vector<Diagnostic>& out) {
  if (app.start != AppStart::kOnDemand || app.start_timeout == App{}.start_timeout) return;
  if (app.start_timeout <= app.balancing.queue_timeout) return;
  warning(out, app.location,
          std::format("the app {} may take {} to start (start_timeout), but the request that starts it waits {} "
                      "(queue_timeout)",
                      in_quotes(app.name), format_duration(app.start_timeout),
                      format_duration(app.balancing.queue_timeout)));
}

void check_balancing(const Balancing& balancing, std::size_t endpoints, const Diagnostic& about,
                     std::vector<Diagnostic>& out) {
  if (!balancing.sticky_cookie.empty() && endpoints == 1) {
    warning(out, about.location,
            std::format("{} has one endpoint: \"sticky\" sets a cookie and chooses nothing", about.message));
  }
  if (!balancing.health.path.empty() && balancing.health.timeout > balancing.health.interval) {
    warning(out, about.location,
            std::format("{}: a health check may take {} (timeout), but there is one every {} (interval)", about.message,
                        format_duration(balancing.health.timeout), format_duration(balancing.health.interval)));
  }
}

// How something is asked for that is not asked for at all.
void check_asked(const HealthOptions& health, const Diagnostic& about, std::vector<Diagnostic>& out) {
  if (!health.path.empty() || (health.host.empty() && health.headers.empty())) return;
  warning(out, about.location,
          std::format("{}: \"host\" and \"headers\" of its health checks have no effect: they have no \"path\"",
                      about.message));
}

void check_insecure(const Upstream& upstream, std::vector<Diagnostic>& out) {
  if (!upstream.tls.insecure) return;
  warning(
      out, upstream.tls.location,
      std::format("insecure = true: whoever stands between can be the upstream {}, read and change everything; name "
                  "its CA by \"ca\" instead",
                  in_quotes(upstream.name)));
}

// Only what may have no endpoint for a while, or no place there, makes a request wait; and a process without room for
// another connection, which nobody plans for.
void check_queue(const Upstream& upstream, std::vector<Diagnostic>& out) {
  const Balancing& balancing = upstream.balancing;
  const bool said = balancing.queue != Balancing{}.queue || balancing.queue_timeout != Balancing{}.queue_timeout;
  const bool waits = balancing.max_requests != 0 || balancing.health.initial == InitialHealth::kWait ||
                     std::ranges::any_of(upstream.endpoints, [](const Endpoint& endpoint) {
                       return std::holds_alternative<DnsName>(endpoint.at);
                     });
  if (!said || waits) return;
  warning(out, upstream.location,
          std::format("requests wait for the upstream {} only while descriptors are short: \"queue\" and "
                      "\"queue_timeout\" need \"max_requests\"",
                      in_quotes(upstream.name)));
}

// How many endpoints there can be; a name may stand for any number.
std::size_t count_of(const Upstream& upstream) {
  constexpr std::size_t kMany = 2;
  const bool named = std::ranges::any_of(
      upstream.endpoints, [](const Endpoint& endpoint) { return std::holds_alternative<DnsName>(endpoint.at); });
  return named ? kMany : upstream.endpoints.size();
}

}  // namespace

std::vector<Diagnostic> validate_meaning(const Config& config) {
  std::vector<Diagnostic> out;
  check_admin(config, out);
  for (const Listener& listener : config.listeners) check_connections(config, listener, out);
  for (const Upstream& upstream : config.upstreams) {
    const std::string name = std::format("the upstream {}", in_quotes(upstream.name));
    check_balancing(upstream.balancing, count_of(upstream), {.location = upstream.location, .message = name}, out);
    check_asked(upstream.balancing.health, {.location = upstream.location, .message = name}, out);
    check_queue(upstream, out);
    check_insecure(upstream, out);
  }
  for (const App& app : config.apps) {
    const std::string name = std::format("the app {}", in_quotes(app.name));
    check_balancing(app.balancing, app.instances, {.location = app.location, .message = name}, out);
    const bool asked = !app.ready_path.empty() || !app.warmup.empty();
    if (!asked) check_asked(app.balancing.health, {.location = app.location, .message = name}, out);
    check_head_limits(config, app, out);
    check_keep_alive(app, out);
    check_start(app, out);
  }
  return out;
}

}  // namespace gatehouse::config
