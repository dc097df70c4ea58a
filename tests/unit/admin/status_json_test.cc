// What /status.json says of a server that is made by hand: state and reason of everything, and what comes first.
#include "proxy/admin/status_json.h"

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/admin/status_table.h"
#include "proxy/cache/cache.h"
#include "proxy/files/file_site.h"
#include "proxy/gates/auth_gate.h"
#include "tests/support/endpoint_testing.h"

namespace gatehouse {
namespace {

using namespace std::chrono_literals;
using namespace testing_support;
using Json = nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

class StatusJson : public ::testing::Test {
 protected:
  StatusJson() {
    snapshot.generation = 7;
    auto policy = std::make_shared<ListenerPolicy>();
    policy->name = "127.0.0.1:8080";
    snapshot.listeners.push_back({.name = policy->name,
                                  .address = Address::parse("127.0.0.1:8080").value(),
                                  .policy = policy,
                                  .budget = std::make_shared<ConnectionBudget>(0),
                                  .speaks_h1 = true});
    serve(set_at({Address::parse("127.0.0.1:5000").value(), Address::parse("127.0.0.1:5001").value()}));
  }

  void serve(std::shared_ptr<const EndpointSet> set) {
    snapshot.upstreams = {upstream_with(std::move(set))};
    std::vector<Route> routes;
    routes.push_back({.name = "*/", .action = ForwardTo{.upstream = snapshot.upstreams[0]}});
    routes.push_back({.name = "*/old", .path = "/old", .action = RedirectTo{.target = "https://new.example{uri}"}});
    snapshot.routes = std::make_shared<const RouteTable>(std::move(routes));
  }
  std::shared_ptr<Endpoint> endpoint(std::size_t index) { return endpoints_of(*snapshot.upstreams[0]).at(index); }

  std::string text() {
    return status_json(
        {.process = {.now = now, .monotonic_now = MonotonicTime(1h), .uptime = 90s, .workers = 2, .draining = draining},
         .configuration = {.file = "/etc/g.toml", .in_force_since = now, .last_reload = reload},
         .snapshot = snapshot,
         .bound = bound,
         .counts = counts,
         .troubles = troubles,
         .apps = apps,
         .traffic = traffic,
         .recent = recent,
         .workers = workers,
         .faults = faults});
  }
  Json status() { return Json::parse(text()); }
  std::string first_reason(const Json& status) { return status["verdict"]["reasons"].at(0)["text"]; }

  WallTime now{std::chrono::sys_days(std::chrono::year(2026) / 1 / 31) + 13h};
  bool draining = false;
  StatusFacts::Reload reload{.time = now};
  Snapshot snapshot;
  std::map<std::string, BoundListener> bound;
  ControlMetrics counts;
  EndpointTroubles troubles;
  std::vector<AppView> apps;
  Traffic traffic;
  RecentTraffic recent;
  Traffic::Workers workers;
  FaultHistory faults;
};

TEST_F(StatusJson, LimitsThatConnectionsFoundReachedComeFirst) {
  const auto metrics = std::make_shared<WorkerMetrics>();
  workers = {metrics};
  ListenerCounters& counters = metrics->listener("127.0.0.1:8080");
  const auto refuse = [&](ConnectionRefusal why) { counters.refused[static_cast<std::size_t>(why)].add(); };
  const auto table = std::make_shared<ClientTable>();
  table->set_limits({.connections = 7, .handshakes = 5});
  const auto process = std::make_shared<ConnectionBudget>(0, table);
  process->set_limit(3, ConnectionLimit::kProcess);
  snapshot.listeners[0].budget = std::make_shared<ConnectionBudget>(0, process);
  refuse(ConnectionRefusal::kLimit);
  traffic.sample(workers, MonotonicTime(1h));
  EXPECT_EQ(status()["listeners"][0]["refused"], Json::array()) << "nobody knows when that was";

  refuse(ConnectionRefusal::kLimit);
  refuse(ConnectionRefusal::kLimit);
  refuse(ConnectionRefusal::kClientConnections);
  traffic.sample(workers, MonotonicTime(1h + 1s));
  const Json all = status();
  EXPECT_EQ(all["listeners"][0]["refused"],
            (Json{{{"reason", "limit"}, {"times", 2}, {"limit", "limits.max_connections"}, {"value", 3}},
                  {{"reason", "client_connections"},
                   {"times", 1},
                   {"limit", "limits.max_connections_per_client"},
                   {"value", 7}}}));
  EXPECT_EQ(all["verdict"]["level"], "warning");
  EXPECT_EQ(all["verdict"]["reasons"][0]["subject"], "listener 127.0.0.1:8080");
  EXPECT_EQ(first_reason(all),
            "limits.max_connections (3) is reached: clients wait to be let in, 2 times in the last 10 s");
  EXPECT_EQ(
      all["verdict"]["reasons"][1]["text"],
      "limits.max_connections_per_client (7) is reached: clients beyond it are refused, 1 times in the last 10 s");

  for (int second = 2; second < 15; ++second) traffic.sample(workers, MonotonicTime(1h + std::chrono::seconds(second)));
  EXPECT_EQ(status()["verdict"]["level"], "ok");
}

TEST_F(StatusJson, AServerThatIsWellHasNothingToSayFirst) {
  const Json all = status();
  EXPECT_EQ(all["schema"], 1);
  EXPECT_EQ(all["state"], "serving");
  EXPECT_EQ(all["time"], "2026-01-31T13:00:00.000Z");
  EXPECT_EQ(all["verdict"], (Json{{"level", "ok"}, {"causes", 0}, {"reasons", Json::array()}}));
  EXPECT_EQ(all["program"]["started"], "2026-01-31T12:58:30.000Z");
  EXPECT_EQ(all["configuration"]["generation"], 7);
  EXPECT_EQ(all["listeners"][0]["protocols"], Json::array({"h1"}));
  EXPECT_EQ(all["routes"][0]["to"], "shop");
  EXPECT_EQ(all["routes"][1]["action"], "redirect");
  const Json nothing = {{"requests_per_second", 0.0},  {"requests_per_second_1m", 0.0},
                        {"errors_per_second_1m", 0.0}, {"p50_ms", nullptr},
                        {"p95_ms", nullptr},           {"p99_ms", nullptr}};
  EXPECT_EQ(all["routes"][0]["recent"], nothing);
  EXPECT_EQ(all["upstreams"][0]["recent"], nothing);
  EXPECT_EQ(all["upstreams"][0]["endpoints"][0]["recent"], nothing);
  EXPECT_EQ(all["upstreams"][0]["endpoints_well"], 2);
  EXPECT_EQ(all["traffic"]["total"]["p99_ms"], nullptr);
  EXPECT_EQ(all["apps"], Json::array());
}

TEST_F(StatusJson, RoutesSayWhatStandsBeforeThem) {
  struct NobodySignsIn final : TokenAcceptor {
    AuthOutcome accept(Leg /*leg*/) const override { return {}; }
  };
  snapshot.cache = std::make_shared<cache::Cache>(1UL << 20);
  EXPECT_EQ(status()["cache"], nullptr) << "no route has one";
  EXPECT_EQ(status()["routes"][0]["cache"], nullptr);
  EXPECT_EQ(status()["routes"][0]["auth"], nullptr);
  EXPECT_THAT(status_table(text(), TableColours::kPlain).value(), Not(HasSubstr("1.0 MiB")));

  std::vector<Route> routes;
  routes.push_back({.name = "*/",
                    .action = ForwardTo{.upstream = snapshot.upstreams[0]},
                    .cache = std::make_shared<const cache::Policy>(
                        cache::Policy{.caching = Caching::kHttpSys, .scope = "*/", .cache = snapshot.cache})});
  routes.push_back(
      {.name = "*/docs",
       .path = "/docs",
       .action = ServeFiles{.site = std::make_shared<const FileSite>(FileSite::Options{.folder = "/srv/docs"},
                                                                     FileLane::of(std::make_shared<FilePool>()))},
       .auth = std::make_shared<const AuthGate>(AuthGate::Options{.negotiate = std::make_shared<NobodySignsIn>()})});
  snapshot.routes = std::make_shared<const RouteTable>(std::move(routes));
  snapshot.cache->store.put("https://shop/", std::make_shared<const cache::Entry>());

  const Json all = status();
  EXPECT_EQ(all["cache"]["entries"], 1);
  EXPECT_EQ(all["cache"]["bytes_limit"], 1 << 20);
  EXPECT_EQ(all["routes"][0]["cache"], (Json{{"rules", "httpsys"}, {"requests_total", 0}, {"hits_total", 0}}));
  EXPECT_EQ(all["routes"][1]["action"], "files");
  EXPECT_EQ(all["routes"][1]["to"], "/srv/docs");
  EXPECT_EQ(all["routes"][1]["auth"], Json::array({"Negotiate"}));
  EXPECT_THAT(status_table(text(), TableColours::kPlain).value(), HasSubstr("of 1.0 MiB, 1 responses"));
}

TEST_F(StatusJson, WhatClientsAreToldOfHttp3HasAReason) {
  EXPECT_EQ(status()["listeners"][0]["alt_svc_state"], nullptr) << "it has none";
  auto policy = std::make_shared<ListenerPolicy>(*snapshot.listeners[0].policy);
  policy->alt_svc = "h3=\":8080\"";
  policy->alt_svc_state = std::make_shared<AltSvcState>();
  snapshot.listeners[0].policy = policy;
  const auto table = [this] { return status_table(text(), TableColours::kPlain).value_or(""); };
  EXPECT_EQ(status()["listeners"][0]["alt_svc"], nullptr);
  EXPECT_EQ(status()["listeners"][0]["alt_svc_state"], (Json{{"standing", "unproven"}, {"reason", nullptr}}));
  EXPECT_THAT(table(), HasSubstr("unproven"));
  policy->alt_svc_state->set(AltSvcState::Standing::kAdvertised, "it answers");
  EXPECT_EQ(status()["listeners"][0]["alt_svc"], "h3=\":8080\"");
  EXPECT_THAT(table(), Not(HasSubstr("it answers")));
  policy->alt_svc_state->set(AltSvcState::Standing::kWithdrawn, "nobody answers");
  EXPECT_EQ(status()["listeners"][0]["alt_svc"], "clear");
  EXPECT_EQ(status()["listeners"][0]["alt_svc_state"], (Json{{"standing", "withdrawn"}, {"reason", "nobody answers"}}));
  EXPECT_THAT(table(), HasSubstr("HTTP/3 is not advertised: nobody answers"));
}

TEST_F(StatusJson, AnEndpointThatChecksFindUnhealthySaysWhatTheyFound) {
  endpoint(0)->set(Obstacle::kUnhealthy);
  troubles.note_check(*endpoint(0), "status 503", now);
  const Json all = status();
  const Json& sick = all["upstreams"][0]["endpoints"][0];
  EXPECT_EQ(sick["state"], "unhealthy");
  EXPECT_EQ(sick["why"], "its health check failed: status 503 at 13:00:00 UTC");
  EXPECT_EQ(all["upstreams"][0]["endpoints_well"], 1);
  EXPECT_EQ(all["verdict"]["level"], "warning");
  EXPECT_THAT(first_reason(all), HasSubstr("127.0.0.1:5000 is unhealthy"));
}

TEST_F(StatusJson, EachObstacleHasItsStateAndAReason) {
  const std::vector<std::pair<Obstacle, std::string>> obstacles = {{Obstacle::kNotServing, "draining"},
                                                                   {Obstacle::kUnhealthy, "unhealthy"},
                                                                   {Obstacle::kEjected, "ejected"},
                                                                   {Obstacle::kUnchecked, "unchecked"},
                                                                   {Obstacle::kLost, "lost"}};
  for (const auto& [obstacle, state] : obstacles) {
    endpoint(1)->set(obstacle);
    const Json sick = status()["upstreams"][0]["endpoints"][1];
    EXPECT_EQ(sick["state"], state);
    EXPECT_FALSE(sick["well"].get<bool>());
    EXPECT_NE(sick["why"], nullptr) << state;
    endpoint(1)->clear(obstacle);
  }
  EXPECT_EQ(status()["upstreams"][0]["endpoints"][1]["why"], nullptr);
}

TEST_F(StatusJson, AnEndpointWhereRequestsFailSaysWithWhat) {
  endpoint(0)->failed();
  EXPECT_TRUE(status()["upstreams"][0]["endpoints"][0]["well"].get<bool>());  // once may be the request's fault
  endpoint(0)->failed();
  troubles.note_fault({.time = now, .fault = Fault::kConnectRefused, .upstream = "shop", .endpoint = "127.0.0.1:5000"});
  EXPECT_EQ(status()["upstreams"][0]["endpoints"][0]["why"],
            "2 requests in a row failed there (connect_refused at 13:00:00 UTC)");
  endpoint(0)->succeeded();
  EXPECT_TRUE(status()["upstreams"][0]["endpoints"][0]["well"].get<bool>());
}

TEST_F(StatusJson, OneConnectionThatIsRefusedIsEnoughUntilTheEndpointServesAgain) {
  endpoint(0)->failed();
  troubles.note_fault({.time = now, .fault = Fault::kConnectRefused, .upstream = "shop", .endpoint = "127.0.0.1:5000"});
  EXPECT_EQ(status()["upstreams"][0]["endpoints"][0]["why"],
            "the last request failed there (connect_refused at 13:00:00 UTC)");
  EXPECT_TRUE(troubles.remembers_faults());
  troubles.served(*endpoint(0));
  EXPECT_FALSE(troubles.remembers_faults());
  EXPECT_TRUE(status()["upstreams"][0]["endpoints"][0]["well"].get<bool>());  // another failure, of another kind
}

TEST_F(StatusJson, AnUpstreamWithoutAnyFitEndpointIsCritical) {
  for (const std::size_t i : {0U, 1U}) endpoint(i)->set(Obstacle::kUnhealthy);
  EXPECT_EQ(status()["verdict"]["level"], "critical");
  serve(set_with({}, EndpointSet::WhenNone::kRefuse, {.fault = Fault::kNameNotResolved}));
  const Json all = status();
  EXPECT_EQ(all["upstreams"][0]["refuses_with"], "name_not_resolved");
  EXPECT_EQ(all["verdict"]["level"], "critical");
}

TEST_F(StatusJson, EachCauseIsToldOnceAndSaysWhereItIs) {
  serve(set_at({Address::parse("127.0.0.1:5000").value(), Address::parse("127.0.0.1:5001").value(),
                Address::parse("127.0.0.1:5002").value()}));
  for (const std::size_t i : {0U, 2U}) endpoint(i)->set(Obstacle::kUnhealthy);
  reload.success = false;
  draining = true;
  const Json verdict = status()["verdict"];
  ASSERT_EQ(verdict["causes"], 3);
  EXPECT_EQ(verdict["reasons"][0]["about"], nullptr);
  EXPECT_EQ(verdict["reasons"][1]["about"], (Json{{"kind", "configuration"}, {"name", nullptr}}));
  EXPECT_EQ(verdict["reasons"][2]["about"], (Json{{"kind", "upstream"}, {"name", "shop"}}));
  EXPECT_EQ(verdict["reasons"][2]["subject"], "upstream shop");
  EXPECT_EQ(verdict["reasons"][2]["text"],
            "2 of 3 endpoints are not well, the first: 127.0.0.1:5000 is unhealthy: its health checks fail");
}

TEST_F(StatusJson, AnAppThatDoesNotRunIsTheCauseOfWhatItsUpstreamLacks) {
  apps.push_back({.name = "shop", .state = AppState::kParked, .last_exit = ExitReason::kSignaled});
  endpoint(0)->set(Obstacle::kLost);
  const Json all = status();
  EXPECT_EQ(all["apps"][0]["last_exit"], "signaled");
  ASSERT_EQ(all["verdict"]["causes"], 1);
  EXPECT_EQ(all["verdict"]["reasons"][0]["about"], (Json{{"kind", "app"}, {"name", "shop"}}));
  apps[0].state = AppState::kServing;
  EXPECT_EQ(status()["verdict"]["reasons"].at(0)["about"]["kind"], "app")
      << "it runs, and one of its endpoints is lost";
}

TEST_F(StatusJson, AnAppThatDoesNotStartSaysWhyAndWhatItPrinted) {
  apps.push_back({.name = "web",
                  .state = AppState::kParked,
                  .retry_at = MonotonicTime(1h + 30s),
                  .failure = ExitReason::kExited,
                  .failure_text = "exited with status 3 after 0.2 s",
                  .last_output = "one\n\ntwo\n" + std::string(1000, 'x') + "\n",
                  .restarts = 4});
  counts.app_exits[{"web", "exited"}] = 5;
  const Json all = status();
  const Json& app = all["apps"][0];
  EXPECT_EQ(app["state"], "parked");
  EXPECT_EQ(app["reason"], "exited");
  EXPECT_EQ(app["next_start_in_seconds"], 30);
  EXPECT_EQ(app["why"],
            "it failed too often, the last time: exited with status 3 after 0.2 s; it is started again in 30 s");
  EXPECT_EQ(app["exits"], (Json{{"exited", 5}}));
  ASSERT_EQ(app["last_output"].size(), 3U);
  EXPECT_EQ(app["last_output"][1], "two");
  EXPECT_LT(app["last_output"][2].get<std::string>().size(), 400U);
  EXPECT_EQ(all["verdict"]["level"], "critical");
}

TEST_F(StatusJson, AnAppSaysWhenItIsRecycledNext) {
  apps.push_back({.name = "web", .state = AppState::kServing});
  EXPECT_TRUE(status()["apps"][0]["next_recycle"].is_null());
  apps[0].next_recycle = std::chrono::sys_days(std::chrono::year(2026) / 12 / 1) + 3h;
  EXPECT_EQ(status()["apps"][0]["next_recycle"], "2026-12-01T03:00:00Z");
}

TEST_F(StatusJson, AnAppThatWaitsForItsFirstRequestIsWell) {
  apps.push_back({.name = "web", .state = AppState::kStopped});
  EXPECT_EQ(status()["verdict"]["level"], "ok");
  apps[0].stopped_by_command = true;
  EXPECT_EQ(status()["apps"][0]["why"], "stopped by command");
  EXPECT_EQ(status()["verdict"]["level"], "warning");
}

TEST_F(StatusJson, AnAppThatDidNotStartForTheLastRequestSaysSoUntilTheNextOne) {
  apps.push_back({.name = "web",
                  .state = AppState::kStopped,
                  .failure = ExitReason::kExecDenied,
                  .failure_text = "Permission denied",
                  .last_output = "one\n"});
  const Json all = status();
  EXPECT_EQ(all["apps"][0]["why"], "Permission denied; the next request starts it again");
  EXPECT_EQ(all["apps"][0]["last_output"], Json::array({"one"}));
  EXPECT_EQ(all["verdict"]["level"], "warning");
}

TEST_F(StatusJson, ManyReasonsAreTheGravestAndANumber) {
  for (int i = 0; i < 30; ++i) {
    apps.push_back({.name = std::to_string(i), .state = i == 29 ? AppState::kParked : AppState::kOffline});
  }
  const Json verdict = status()["verdict"];
  EXPECT_EQ(verdict["level"], "critical");
  EXPECT_EQ(verdict["causes"], 30);
  ASSERT_EQ(verdict["reasons"].size(), 21U);
  EXPECT_EQ(verdict["reasons"][0]["subject"], "app 29");
  EXPECT_EQ(verdict["reasons"][20]["text"], "10 more like these");
}

TEST_F(StatusJson, PairingTokensStayIn) {
  apps.push_back({.name = "web", .state = AppState::kServing, .instances = {{.pid = 42, .pairing_token = "secret"}}});
  EXPECT_EQ(status()["apps"][0]["instances"][0]["pid"], 42);
  EXPECT_THAT(text(), Not(HasSubstr("secret")));
}

TEST_F(StatusJson, AReloadThatFailedComesWithItsDiagnostics) {
  reload = {.time = now, .success = false, .diagnostics = {"g.toml:3:1: no such key"}};
  const Json all = status();
  EXPECT_EQ(all["configuration"]["last_reload"]["diagnostics"][0], "g.toml:3:1: no such key");
  EXPECT_THAT(first_reason(all), HasSubstr("reload failed"));
  draining = true;
  EXPECT_EQ(status()["state"], "draining");
}

TEST_F(StatusJson, FaultsHaveTheirCauseAndBlame) {
  faults.note(
      FaultRecord{.time = now, .fault = Fault::kAppStartFailed, .status = 503, .upstream = "web", .detail = "why"});
  const Json fault = status()["faults"][0];
  EXPECT_EQ(fault["fault"], "app_start_failed");
  EXPECT_EQ(fault["blame"], "upstream");
  EXPECT_THAT(fault["cause"].get<std::string>(), HasSubstr("(why)"));
  EXPECT_EQ(fault["endpoint"], nullptr);
}

TEST_F(StatusJson, WhateverANameHoldsItIsValidJson) {
  apps.push_back({.name = "a\"\\\x01\xff\n", .state = AppState::kBackoff, .failure_text = "\xc3\x28 </script>"});
  const Json all = status();
  EXPECT_EQ(all["apps"][0]["name"], "a\"\\\x01\xef\xbf\xbd\n");
}

TEST_F(StatusJson, TheTableShowsWhatIsNotWellAndWhy) {
  endpoint(0)->set(Obstacle::kUnhealthy);
  troubles.note_check(*endpoint(0), "connect_refused", now);
  apps.push_back(
      {.name = "web", .state = AppState::kBackoff, .failure_text = "died\x1b[2J", .last_output = "\x9b boom"});
  const auto table = status_table(text(), TableColours::kPlain);
  ASSERT_TRUE(table.has_value()) << table.error().message;
  EXPECT_THAT(*table, HasSubstr("127.0.0.1:5000  unhealthy"));
  EXPECT_THAT(*table, HasSubstr("its health check failed: connect_refused"));
  EXPECT_THAT(*table, HasSubstr("backoff: died?[2J"));
  EXPECT_THAT(*table, Not(HasSubstr("\x1b")));
  const auto coloured = status_table(text(), TableColours::kAnsi);
  EXPECT_THAT(coloured.value_or(""), HasSubstr("\x1b[31munhealthy\x1b[0m"));
  EXPECT_THAT(coloured.value_or(""), Not(HasSubstr("\x1b[2J")));
}

TEST(StatusTable, WhatIsNoStatusIsRefused) {
  for (const std::string_view text : {"", "<html>", "[]", "{}", R"({"schema": 2})", R"({"schema": 1})",
                                      R"({"schema": 1, "program": [], "configuration": 3, "state": {}})"}) {
    EXPECT_FALSE(status_table(text, TableColours::kPlain).has_value()) << text;
  }
}

}  // namespace
}  // namespace gatehouse
