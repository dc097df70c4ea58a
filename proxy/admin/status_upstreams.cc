// The part of /status.json about upstreams, endpoints, apps and their processes.
#include <algorithm>
#include <chrono>
#include <format>
#include <nlohmann/json.hpp>
#include <ranges>
#include <string_view>
#include <utility>

#include "common/text.h"
#include "proxy/admin/status_json.h"

namespace gatehouse::status_parts {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kOutputLines = 12;
constexpr std::size_t kOutputLine = 300;

Json or_null(std::string_view text) {
  return text.empty() ? Json(nullptr) : Json(text);
}

std::int64_t seconds_between(MonotonicTime from, MonotonicTime to) {
  return std::max<std::int64_t>(0, std::chrono::ceil<std::chrono::seconds>(to - from).count());
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

using Connections = std::map<Traffic::EndpointName, Traffic::Connections>;

Json endpoint_json(const EndpointSet::Member& member, const StatusFacts& facts, const Connections& connections) {
  const Endpoint& endpoint = *member.endpoint;
  const EndpointCondition condition = facts.troubles.condition(endpoint);
  const auto found = connections.find({endpoint.upstream(), endpoint.name()});
  const Traffic::Connections known = found == connections.end() ? Traffic::Connections() : found->second;
  return {{"name", endpoint.name()},
          {"address", endpoint.address().to_string()},
          {"pid", endpoint.pid() == 0 ? Json(nullptr) : Json(endpoint.pid())},
          {"weight", member.weight},
          {"state", condition.state},
          {"well", condition.well()},
          {"why", or_null(condition.why)},
          {"in_flight", endpoint.in_flight()},
          {"requests_total", endpoint.requests()},
          {"recent", recent(facts.recent.endpoint({endpoint.upstream(), endpoint.name()}))},
          {"failures_in_row", endpoint.failures_in_row()},
          {"connections", {{"idle", known.idle}, {"active", known.active}}},
          {"connects",
           {{"ok", known.ok},
            {"refused", known.refused},
            {"failed", known.failed},
            {"timeout", known.timeout},
            {"out_of_resources", known.out_of_resources}}}};
}

const AppView* app_of(const StatusFacts& facts, std::string_view name) {
  const auto found = std::ranges::find(facts.apps, name, &AppView::name);
  return found == facts.apps.end() ? nullptr : &*found;
}

std::string retry_text(const AppView& app, MonotonicTime now) {
  return app.retry_at > now ? std::format("; it is started again in {} s", seconds_between(now, app.retry_at)) : "";
}

// Why an app does not serve, or not with all that it should; empty where all is as it shall be.
std::string why_of(const AppView& app, MonotonicTime now) {
  const std::string_view failure = app.failure_text.empty() ? "its process ended" : std::string_view(app.failure_text);
  switch (app.state) {
    case AppState::kBackoff:
      return std::format("{}{}", failure, retry_text(app, now));
    case AppState::kParked:
      return std::format("it failed too often, the last time: {}{}", failure, retry_text(app, now));
    case AppState::kOffline:
      return app.offline_body.empty() ? "taken offline by command" : "taken offline by its offline file";
    case AppState::kStopped:
      if (app.stopped_by_command) return "stopped by command";
      return app.failure_text.empty() ? "" : std::format("{}; the next request starts it again", app.failure_text);
    case AppState::kStarting:
      if (!app.waits_for.empty()) return std::format("it is not ready yet: {}", app.waits_for);
      return app.failure_text.empty() ? "" : std::format("it is being started again: {}", app.failure_text);
    case AppState::kServing:
      break;
  }
  if (app.recycle_failed)
    return std::format("its new processes did not get ready ({}); the former ones serve on", failure);
  return app.failure_text.empty() ? "" : std::format("not all of its processes run: {}", app.failure_text);
}

// The last lines, each cut to a length that can be shown.
Json last_lines(std::string_view output) {
  std::vector<std::string> lines;
  for (const auto& part : output | std::views::split('\n')) {
    const std::string_view line(part);
    if (!text::trim(line).empty()) lines.emplace_back(line.substr(0, kOutputLine));
  }
  const std::size_t skipped = lines.size() - std::min(lines.size(), kOutputLines);
  return Json(std::vector<std::string>(lines.begin() + static_cast<std::ptrdiff_t>(skipped), lines.end()));
}

Json counts_of(const std::map<ControlMetrics::Labels, std::uint64_t>& counts, const std::string& app) {
  Json by_reason = Json::object();
  for (const auto& [labels, count] : counts) {
    if (labels[0] == app && count > 0) by_reason[labels[1]] = count;
  }
  return by_reason;
}

Json instance_json(const InstanceView& instance, MonotonicTime now) {
  return {{"slot", instance.slot},
          {"pid", instance.pid},
          {"state", label(instance.state)},
          {"generation", instance.generation},
          {"seconds_in_state", seconds_between(instance.since, now)},
          {"resident_bytes", instance.resident_bytes},
          {"address", instance.address.to_string()}};
}

Json app_json(const AppView& app, const StatusFacts& facts) {
  const MonotonicTime now = facts.process.monotonic_now;
  const std::string why = why_of(app, now);
  Json instances = Json::array();
  for (const InstanceView& instance : app.instances) instances.push_back(instance_json(instance, now));
  const bool waits = (app.state == AppState::kBackoff || app.state == AppState::kParked) && app.retry_at > now;
  return {{"name", app.name},
          {"state", label(app.state)},
          {"well", why.empty()},
          {"why", or_null(why)},
          {"reason", app.failure ? Json(label(*app.failure)) : Json(nullptr)},
          {"next_start_in_seconds", waits ? Json(seconds_between(now, app.retry_at)) : Json(nullptr)},
          {"stopped_by_command", app.stopped_by_command},
          {"recycle_failed", app.recycle_failed},
          {"restarts", app.restarts},
          {"last_exit", app.last_exit ? Json(label(*app.last_exit)) : Json(nullptr)},
          {"next_recycle", app.next_recycle ? Json(std::format("{:%FT%TZ}", *app.next_recycle)) : Json(nullptr)},
          {"starts", counts_of(facts.counts.app_starts, app.name)},
          {"exits", counts_of(facts.counts.app_exits, app.name)},
          {"last_output", app.failure_text.empty() ? Json::array() : last_lines(app.last_output)},
          {"instances", std::move(instances)}};
}

}  // namespace

Json upstreams(const StatusFacts& facts) {
  const Connections connections = Traffic::by_endpoint(facts.workers);
  Json all = Json::array();
  for (const auto& upstream : facts.snapshot.upstreams) {
    const std::shared_ptr<const EndpointSet> set = upstream->membership().set();
    Json endpoints = Json::array();
    std::size_t well = 0;
    for (const EndpointSet::Member& member : set->members) {
      endpoints.push_back(endpoint_json(member, facts, connections));
      well += endpoints.back()["well"].get<bool>() ? 1 : 0;
    }
    const AppView* app = app_of(facts, upstream->name());
    const bool refuses = set->members.empty() && set->when_none == EndpointSet::WhenNone::kRefuse;
    std::string why;
    if (refuses) why = rule(set->refusal.fault).explanation;
    if (app != nullptr) why = why_of(*app, facts.process.monotonic_now);
    if (why.empty() && well == 0 && !set->members.empty()) why = "none of its endpoints is well";
    all.push_back({{"name", upstream->name()},
                   {"kind", app != nullptr ? "app" : "listed"},
                   {"balance", balance_text(upstream->options().balance)},
                   {"waiting", upstream->waiting()},
                   {"queue", upstream->options().queue},
                   {"recent", recent(facts.recent.upstream(upstream->name()))},
                   {"endpoints_well", well},
                   {"why", or_null(why)},
                   {"refuses_with", refuses ? Json(rule(set->refusal.fault).label) : Json(nullptr)},
                   {"endpoints", std::move(endpoints)}});
  }
  return all;
}

Json apps(const StatusFacts& facts) {
  Json all = Json::array();
  for (const AppView& app : facts.apps) all.push_back(app_json(app, facts));
  return all;
}

}  // namespace gatehouse::status_parts
