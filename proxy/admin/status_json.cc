#include "proxy/admin/status_json.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <format>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>
#include <variant>

#include "common/version.h"
#include "proxy/cache/cache.h"
#include "proxy/gates/auth_gate.h"

namespace gatehouse {
namespace {

using Json = nlohmann::ordered_json;

std::string time_text(WallTime time) {
  return std::format("{:%FT%TZ}", std::chrono::floor<std::chrono::milliseconds>(time));
}

std::int64_t whole_seconds(auto duration) {
  return std::chrono::duration_cast<std::chrono::seconds>(duration).count();
}

// As precise as it can be meant, so that answers stay short.
double rounded(double value) {
  return static_cast<double>(std::llround(value * 1000)) / 1000;
}

Json or_null(const std::optional<double>& value) {
  return value ? Json(rounded(*value)) : Json(nullptr);
}

Json or_null(std::string_view text) {
  return text.empty() ? Json(nullptr) : Json(text);
}

Json program(const StatusFacts& facts) {
  const StatusFacts::Process& process = facts.process;
  return {{"version", kProgramVersion},
          {"pid", getpid()},
          {"workers", process.workers},
          {"started", time_text(process.now - std::chrono::duration_cast<WallTime::duration>(process.uptime))},
          {"uptime_seconds", whole_seconds(process.uptime)}};
}

Json configuration(const StatusFacts& facts) {
  const StatusFacts::Configuration& known = facts.configuration;
  return {{"file", or_null(known.file)},
          {"generation", facts.snapshot.generation},
          {"in_force_since", time_text(known.in_force_since)},
          {"last_reload",
           {{"time", time_text(known.last_reload.time)},
            {"success", known.last_reload.success},
            {"diagnostics", known.last_reload.diagnostics}}}};
}

Json certificates(const StatusFacts& facts, const ListenerSnapshot& listener) {
  Json all = Json::array();
  if (!listener.tls) return all;
  for (const auto& certificate : listener.tls->certificates()) {
    all.push_back({{"file", certificate->file()},
                   {"names", certificate->names()},
                   {"expires", time_text(certificate->not_after())},
                   {"expires_in_seconds", whole_seconds(certificate->not_after() - facts.process.now)},
                   {"renewal_due_in_seconds", whole_seconds(certificate->renewal_due() - facts.process.now)}});
  }
  return all;
}

// What answers say of HTTP/3 now, and why; null where the listener has none to speak of.
Json alt_svc_state(const ListenerPolicy& policy) {
  const AltSvcState* const state = policy.alt_svc_state.get();
  const bool told = state != nullptr && state->standing() != AltSvcState::Standing::kUnproven;
  if (state == nullptr || (policy.alt_svc.empty() && !told)) return {};
  return {{"standing", label(state->standing())}, {"reason", or_null(state->reason())}};
}

Json limit_json(std::string_view name, std::uint64_t value) {
  return {{"limit", name}, {"value", value}};
}

// Which limit it was that a connection found reached, and what it is now.
Json limit_of(ConnectionRefusal why, const ListenerSnapshot& listener) {
  const ClientLimits clients = listener.budget->clients() ? listener.budget->clients()->limits() : ClientLimits();
  switch (why) {
    case ConnectionRefusal::kLimit:
      if (const auto budget = ConnectionBudget::tightest(listener.budget)) {
        return limit_json(label(budget->source()), budget->limit());
      }
      return limit_json(label(ConnectionLimit::kListener), 0);
    case ConnectionRefusal::kDescriptors:
      return {{"limit", "the open files of the process or the system"}, {"value", nullptr}};
    case ConnectionRefusal::kClientConnections:
      return limit_json("limits.max_connections_per_client", clients.connections);
    case ConnectionRefusal::kClientHandshakes:
      return limit_json("limits.max_handshakes_per_client", clients.handshakes);
  }
  return {};
}

// What connections have found reached over the window of the traffic.
Json refusals(const StatusFacts& facts, const ListenerSnapshot& listener) {
  Json all = Json::array();
  const Traffic::Refusals times = facts.traffic.refusals(listener.name);
  for (std::size_t i = 0; i < times.size(); ++i) {
    if (times[i] == 0) continue;
    const auto why = static_cast<ConnectionRefusal>(i);
    Json one = {{"reason", label(why)}, {"times", times[i]}};
    one.update(limit_of(why, listener));
    all.push_back(std::move(one));
  }
  return all;
}

Json listeners(const StatusFacts& facts) {
  Json all = Json::array();
  for (const ListenerSnapshot& listener : facts.snapshot.listeners) {
    all.push_back({{"name", listener.name},
                   {"address", address_text(listener, facts.bound)},
                   {"scheme", listener.tls ? "https" : "http"},
                   {"protocols", protocols_of(listener)},
                   {"connections", listener.budget->open()},
                   {"refused", refusals(facts, listener)},
                   {"alt_svc", or_null(std::string(listener.policy->alt_svc_now()))},
                   {"alt_svc_state", alt_svc_state(*listener.policy)},
                   {"redirects_to_https", listener.policy->redirect_to_https},
                   {"certificates", certificates(facts, listener)}});
  }
  return all;
}

Json figures_json(const Traffic::Figures& figures) {
  return {{"requests_per_second", rounded(figures.requests_per_second)},
          {"errors_per_second", rounded(figures.errors_per_second)},
          {"p50_ms", or_null(figures.p50_ms)},
          {"p99_ms", or_null(figures.p99_ms)},
          {"in_flight", figures.totals.in_flight},
          {"tunnels", figures.totals.tunnels},
          {"requests_total", figures.totals.requests},
          {"errors_total", figures.totals.errors}};
}

Json history(const Traffic& traffic) {
  Json requests = Json::array();
  Json errors = Json::array();
  Json p99 = Json::array();
  for (const Traffic::Point& point : traffic.history()) {
    requests.push_back(point.requests);
    errors.push_back(point.errors);
    p99.push_back(or_null(point.p99_ms));
  }
  return {{"step_seconds", 1},
          {"requests", std::move(requests)},
          {"errors", std::move(errors)},
          {"p99_ms", std::move(p99)}};
}

Json traffic(const StatusFacts& facts) {
  Json protocols = Json::object();
  for (const Protocol protocol : {Protocol::kH1, Protocol::kH2, Protocol::kH3}) {
    protocols[std::string(label(protocol))] = figures_json(facts.traffic.figures(protocol));
  }
  return {{"window_seconds", whole_seconds(Traffic::kWindow)},
          {"total", figures_json(facts.traffic.figures(std::nullopt))},
          {"protocols", std::move(protocols)},
          {"history", history(facts.traffic)}};
}

Json cache_store(const StatusFacts& facts) {
  const auto caches = [](const Route& route) { return route.cache != nullptr; };
  if (!facts.snapshot.cache || !std::ranges::any_of(facts.snapshot.routes->routes(), caches)) return nullptr;
  const cache::Store& store = facts.snapshot.cache->store;
  return {{"bytes", store.bytes()},
          {"bytes_limit", store.memory()},
          {"entries", store.entries()},
          {"evictions_total", store.evictions()}};
}

Json cache_of(const Route& route, const Traffic::Count& known) {
  if (!route.cache) return nullptr;
  return {{"rules", route.cache->caching == Caching::kHttpSys ? "httpsys" : "http"},
          {"requests_total", known.cache_requests},
          {"hits_total", known.cache_hits}};
}

Json auth_of(const Route& route) {
  if (!route.auth) return nullptr;
  Json schemes = Json::array();
  if (route.auth->options().negotiate) schemes.push_back("Negotiate");
  if (route.auth->options().users) schemes.push_back("Basic");
  return schemes;
}

Json routes(const StatusFacts& facts) {
  const auto counts = Traffic::by_route(facts.workers);
  Json all = Json::array();
  for (const Route& route : facts.snapshot.routes->routes()) {
    Json one = {{"name", route.name}, {"hosts", route.hosts}, {"path", route.path}};
    if (const auto* forward = std::get_if<ForwardTo>(&route.action)) {
      one["action"] = "forward";
      one["to"] = forward->upstream->name();
    } else if (const auto* redirect = std::get_if<RedirectTo>(&route.action)) {
      one["action"] = "redirect";
      one["to"] = redirect->target;
    } else if (const auto* files = std::get_if<ServeFiles>(&route.action)) {
      one["action"] = "files";
      one["to"] = files->site->folder();
    } else {
      one["action"] = "respond";
      one["to"] = nullptr;
    }
    const auto count = counts.find(route.name);
    const Traffic::Count known = count == counts.end() ? Traffic::Count() : count->second;
    one["requests_total"] = known.requests;
    one["errors_total"] = known.errors;
    one["cache"] = cache_of(route, known);
    one["auth"] = auth_of(route);
    one["recent"] = status_parts::recent(facts.recent.route(route.name));
    all.push_back(std::move(one));
  }
  return all;
}

Json registrations(const StatusFacts& facts) {
  Json all = Json::array();
  for (const RegistrationView& each : facts.registrations) {
    const Endpoint& endpoint = *each.membership->set()->members.front().endpoint;
    const Route* const instead = takes_place_of(*facts.snapshot.routes, each.prefix);
    all.push_back(
        {{"prefix", each.prefix.to_string()},
         {"reservation", each.reservation},
         {"user", each.user},
         {"pid", each.pid == 0 ? Json(nullptr) : Json(each.pid)},
         {"target", each.target},
         {"endpoint", endpoint.name()},
         {"since", time_text(each.since)},
         {"requests_total", endpoint.requests()},
         {"in_flight", endpoint.in_flight()},
         {"failures_in_row", endpoint.failures_in_row()},
         {"why", instead == nullptr ? Json(nullptr)
                                    : Json(std::format("the route {} has the same host and path", instead->name))}});
  }
  return all;
}

Json faults(const StatusFacts& facts) {
  Json all = Json::array();
  for (const FaultRecord& record : facts.faults.newest_first()) {
    const FaultRule& known = rule(record.fault);
    std::string cause(known.explanation);
    if (!record.detail.empty()) cause += " (" + record.detail + ")";
    all.push_back({{"time", time_text(record.time)},
                   {"fault", known.label},
                   {"blame", label(known.blame)},
                   {"cause", std::move(cause)},
                   {"status", record.status == 0 ? Json(nullptr) : Json(record.status)},
                   {"protocol", label(record.protocol)},
                   {"listener", or_null(record.listener)},
                   {"route", or_null(record.route)},
                   {"upstream", or_null(record.upstream)},
                   {"endpoint", or_null(record.endpoint)},
                   {"attempts", record.attempts},
                   {"request_id", or_null(record.request_id)}});
  }
  return all;
}

}  // namespace

Json status_parts::recent(const RecentTraffic::Figures& figures) {
  return {{"requests_per_second", rounded(figures.requests_per_second)},
          {"requests_per_second_1m", rounded(figures.requests_per_second_1m)},
          {"errors_per_second_1m", rounded(figures.errors_per_second_1m)},
          {"p50_ms", or_null(figures.p50_ms)},
          {"p95_ms", or_null(figures.p95_ms)},
          {"p99_ms", or_null(figures.p99_ms)}};
}

std::string status_json(const StatusFacts& facts) {
  Json status = {{"schema", kStatusSchema},
                 {"time", time_text(facts.process.now)},
                 {"state", facts.process.draining ? "draining" : "serving"},
                 {"verdict", nullptr},
                 {"program", program(facts)},
                 {"configuration", configuration(facts)},
                 {"listeners", listeners(facts)},
                 {"traffic", traffic(facts)},
                 {"cache", cache_store(facts)},
                 {"routes", routes(facts)},
                 {"upstreams", status_parts::upstreams(facts)},
                 {"apps", status_parts::apps(facts)},
                 {"registrations", registrations(facts)},
                 {"faults", faults(facts)}};
  status["verdict"] = status_parts::verdict(status);
  // What is not UTF-8 (a path in a configuration, what an app printed) becomes U+FFFD.
  return status.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace gatehouse
