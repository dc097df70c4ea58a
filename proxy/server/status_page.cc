#include "proxy/server/status_page.h"

#include <unistd.h>

#include <chrono>
#include <format>
#include <string_view>

#include "common/version.h"

namespace gatehouse {
namespace {

std::string time_text(WallTime time) {
  return std::format("{:%FT%TZ}", std::chrono::floor<std::chrono::seconds>(time));
}

std::string uptime_text(Duration uptime) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(uptime).count();
  if (seconds < 60) return std::format("{}s", seconds);
  if (seconds < 3600) return std::format("{}m{:02}s", seconds / 60, seconds % 60);
  return std::format("{}h{:02}m", seconds / 3600, seconds / 60 % 60);
}

std::string_view balance_text(Balance balance) {
  switch (balance) {
    case Balance::kRoundRobin:
      return "round_robin";
    case Balance::kRandom:
      return "random";
    case Balance::kHash:
      return "hash";
    case Balance::kLeastRequests:
      break;
  }
  return "least_requests";
}

std::string condition_text(const Endpoint& endpoint) {
  if (endpoint.has(Obstacle::kNotServing)) return "draining";
  if (endpoint.has(Obstacle::kUnhealthy)) return "unhealthy";
  if (endpoint.has(Obstacle::kEjected)) return "ejected";
  return "available";
}

void append_listener(std::string& page, const ListenerSnapshot& listener, const StatusFacts& facts) {
  page += std::format("  {:<28} {:<5} {:<9} connections {}", address_text(listener, facts.bound),
                      listener.tls ? "https" : "http", protocols_text(listener), listener.budget->open());
  if (!listener.policy->alt_svc.empty()) page += std::format("  Alt-Svc: {}", listener.policy->alt_svc);
  if (listener.policy->redirect_to_https) page += "  redirects to https";
  page += '\n';
}

void append_upstream(std::string& page, const Upstream& upstream) {
  page += std::format("  {}  {}  waiting {}\n", upstream.name(), balance_text(upstream.options().balance),
                      upstream.waiting());
  const std::shared_ptr<const EndpointSet> set = upstream.membership().set();
  for (const EndpointSet::Member& member : set->members) {
    const Endpoint& endpoint = *member.endpoint;
    page += std::format("    {:<26} {:<10} in flight {}  requests {}", endpoint.name(), condition_text(endpoint),
                        endpoint.in_flight(), endpoint.requests());
    if (member.weight != 1) page += std::format("  weight {}", member.weight);
    page += '\n';
  }
}

std::string resident_text(std::uint64_t bytes) {
  return bytes == 0 ? "-" : std::format("{:.1f} MiB", static_cast<double>(bytes) / (1 << 20));
}

// What every instance is doing, and why an app is not serving.
void append_app(std::string& page, const AppView& app, MonotonicTime now) {
  page += std::format("  {}  {}  restarts {}", app.name, token(app.state), app.restarts);
  const bool waits = app.state == AppState::kBackoff || app.state == AppState::kParked;
  if (waits && app.retry_at > now) page += std::format("  next start in {}", uptime_text(app.retry_at - now));
  if (app.stopped_by_command) page += "  by command";
  if (app.recycle_failed) page += "  THE LAST RECYCLE FAILED, the former instances serve on";
  if (!app.failure_text.empty()) page += std::format("  ({})", app.failure_text);
  page += '\n';
  for (const InstanceView& instance : app.instances) {
    page += std::format("    {:<26} {:<10} pid {}  generation {}  for {}  memory {}\n",
                        std::format("{}#{}", app.name, instance.slot), token(instance.state), instance.pid,
                        instance.generation, uptime_text(now - instance.since), resident_text(instance.resident_bytes));
  }
}

}  // namespace

std::string address_text(const ListenerSnapshot& listener, const std::map<std::string, BoundListener>& bound) {
  Address address = listener.address;
  const auto found = bound.find(listener.name);
  if (address.is_unix() || found == bound.end()) return listener.name;
  const std::uint16_t port = found->second.port;
  if (listener.name.starts_with(':')) return std::format(":{}", port);  // every address
  address.set_port(port);
  return address.to_string();
}

std::string protocols_text(const ListenerSnapshot& listener) {
  std::string text;
  const auto add = [&text](bool spoken, std::string_view name) {
    if (!spoken) return;
    if (!text.empty()) text += ' ';
    text += name;
  };
  add(listener.speaks_h1, "h1");
  add(listener.speaks_h2, listener.tls ? "h2" : "h2c");
  add(listener.speaks_h3, "h3");
  return text;
}

std::string status_page(const StatusFacts& facts) {
  std::string page = std::format("gatehouse {}  pid {}  up {}  workers {}{}\n", kProgramVersion, getpid(),
                                 uptime_text(facts.uptime), facts.workers, facts.status.draining ? "  DRAINING" : "");
  page += std::format("configuration {}, generation {}, in force since {}{}\n",
                      facts.config_file.empty() ? "from the command line" : facts.config_file,
                      facts.snapshot.generation, time_text(facts.status.last_reload),
                      facts.status.last_reload_ok ? "" : "; THE LAST RELOAD FAILED, see the log");
  page += "\nlisteners\n";
  for (const ListenerSnapshot& listener : facts.snapshot.listeners) append_listener(page, listener, facts);
  page += "\nupstreams\n";
  for (const auto& upstream : facts.snapshot.upstreams) append_upstream(page, *upstream);
  if (!facts.apps.empty()) page += "\napps\n";
  for (const AppView& app : facts.apps) append_app(page, app, facts.now);
  return page;
}

}  // namespace gatehouse
