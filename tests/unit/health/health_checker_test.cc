// When which endpoint is asked, what its answers make of it, and what becomes of checks when sets and options change.
#include "proxy/health/health_checker.h"

#include <algorithm>
#include <chrono>
#include <deque>
#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "tests/support/health_testing.h"

namespace gatehouse {
namespace {

using namespace std::chrono_literals;
using namespace testing_support;

constexpr std::string_view kGood = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
constexpr std::string_view kBad = "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n";

class HealthCheckerTest : public HealthTest {
 protected:
  // One check from end to end.
  void check(std::string_view response) {
    const std::size_t before = log.size();
    ScriptedConnection connection = accept(server);
    last_request = request_of(connection);
    connection.send(response);
    turn_until([&] { return log.size() > before; });
    EXPECT_EQ(log.size(), before + 1);
  }
  bool asked() {
    settle();
    std::optional<ScriptedConnection> connection = server.accept();
    if (connection) waiting.push_back(*std::move(connection));
    return !waiting.empty();
  }
  bool healthy() const { return endpoint->available(); }

  ScriptedEndpoint server;
  std::shared_ptr<Endpoint> endpoint = endpoint_at(server.address(), "one");
  std::shared_ptr<Membership> membership = membership_of({endpoint});
  HealthOptions options{.path = "/healthz"};
  std::string last_request;
  std::deque<ScriptedConnection> waiting;
  HealthChecker checker{loop, [this](const HealthCheckResult& result) {
                          std::string text = result.endpoint->name();
                          text += result.passed ? " passed" : " failed: " + result.why;
                          log.push_back(text + (result.changed ? ", changed" : ""));
                        }};
};

TEST_F(HealthCheckerTest, TheFirstCheckComesAtOnceAndTheNextAfterTheIntervalWithJitter) {
  checker.configure({{membership, options}});
  check(kGood);
  EXPECT_TRUE(last_request.starts_with("GET /healthz HTTP/1.1\r\n"));
  EXPECT_EQ(log, Log{"one passed"});
  advance(7999ms);
  EXPECT_FALSE(asked());
  advance(4001ms);
  EXPECT_TRUE(asked());
}

TEST_F(HealthCheckerTest, IntervalsDifferSoThatChecksSpread) {
  std::deque<ScriptedEndpoint> servers(12);
  std::vector<std::shared_ptr<Endpoint>> endpoints;
  for (const ScriptedEndpoint& one : servers) endpoints.push_back(endpoint_at(one.address()));
  checker.configure({{membership_of(endpoints), options}});
  for (ScriptedEndpoint& one : servers) {
    ScriptedConnection connection = accept(one);
    request_of(connection);
    connection.send(kGood);
  }
  turn_until([&] { return log.size() == servers.size(); });
  int steps_with_checks = 0;
  for (int step = 0; step < 41; ++step) {  // 8.0 s to 12.1 s
    advance(step == 0 ? 8s : Duration(100ms));
    settle();
    const auto come = std::ranges::count_if(servers, [](ScriptedEndpoint& one) { return one.accept().has_value(); });
    if (come > 0) ++steps_with_checks;
  }
  EXPECT_GE(steps_with_checks, 3);
}

TEST_F(HealthCheckerTest, FailuresInARowMakeItUnhealthyAndOnePassHealthyAgain) {
  checker.configure({{membership, options}});
  check(kBad);
  EXPECT_TRUE(healthy());
  advance(12s);
  check("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
  EXPECT_FALSE(healthy());
  EXPECT_FALSE(endpoint->available());
  advance(12s);
  check("SSH-2.0\r\n\r\n");
  advance(12s);
  check(kGood);
  EXPECT_TRUE(healthy());
  EXPECT_EQ(log, (Log{"one failed: status 500", "one failed: status 404, changed", "one failed: upstream_invalid",
                      "one passed, changed"}));
}

TEST_F(HealthCheckerTest, ExpectedAreTheStatusesOfTheRange) {
  options.expect_first = 300;
  options.expect_last = 302;
  checker.configure({{membership, options}});
  check("HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n");
  advance(12s);
  check(kGood);
  EXPECT_EQ(log, (Log{"one passed", "one failed: status 200"}));
}

TEST_F(HealthCheckerTest, NoAnswerInTimeIsAFailure) {
  options.timeout = 1s;
  checker.configure({{membership, options}});
  ScriptedConnection connection = accept(server);
  request_of(connection);
  advance(1s);
  EXPECT_EQ(log, Log{"one failed: upstream_timeout"});
}

TEST_F(HealthCheckerTest, WaitsForTheFirstPassWhereToldTo) {
  options.initial = InitialHealth::kWait;
  options.healthy_after = 3;
  checker.configure({{membership, options}});
  EXPECT_FALSE(healthy());
  EXPECT_FALSE(endpoint->usable_in_panic()) << "not even where no other is healthy";
  check(kBad);
  EXPECT_FALSE(healthy());
  advance(12s);
  check(kGood);
  EXPECT_TRUE(healthy());
}

TEST_F(HealthCheckerTest, StoppedAppsAreNotWokenAndAreAskedWhenTheyServeAgain) {
  endpoint->set(Obstacle::kNotServing);
  checker.configure({{membership, options}});
  EXPECT_FALSE(asked());
  advance(12s);
  EXPECT_FALSE(asked());
  endpoint->clear(Obstacle::kNotServing);
  checker.look_again(*membership);
  check(kGood);
  EXPECT_EQ(log, Log{"one passed"});
}

TEST_F(HealthCheckerTest, TheResultOfOneThatIsGoingMeanwhileDoesNotCount) {
  checker.configure({{membership, options}});
  ScriptedConnection connection = accept(server);
  request_of(connection);
  endpoint->set(Obstacle::kNotServing);
  connection.send(kBad);
  turn_until([&] { return connection.ended(); });
  EXPECT_TRUE(log.empty());
}

TEST_F(HealthCheckerTest, NoMoreThanFiftyAreAskedAtOnce) {
  std::vector<std::shared_ptr<Endpoint>> endpoints;
  std::deque<ScriptedEndpoint> servers(60);
  for (const ScriptedEndpoint& one : servers) endpoints.push_back(endpoint_at(one.address()));
  checker.configure({{membership_of(endpoints), options}});
  std::deque<ScriptedConnection> connections;
  const auto take = [&] {
    settle();
    for (ScriptedEndpoint& one : servers) {
      if (auto connection = one.accept()) connections.push_back(*std::move(connection));
    }
  };
  take();
  take();
  EXPECT_EQ(connections.size(), 50U);
  for (int i = 0; i < 4; ++i) {
    request_of(connections.front());
    connections.front().send(kGood);
    turn_until([&] { return connections.front().ended(); });
    connections.pop_front();
  }
  take();
  EXPECT_EQ(connections.size(), 50U);
  EXPECT_EQ(log.size(), 4U);
  advance(3s);  // the rest time out; those in line have their turn
  take();
  EXPECT_EQ(connections.size(), 56U);
}

TEST_F(HealthCheckerTest, EndpointsThatVanishAreNotAskedAnyMoreAndNewOnesAtOnce) {
  options.initial = InitialHealth::kWait;
  checker.configure({{membership, options}});
  ScriptedConnection connection = accept(server);
  request_of(connection);
  ScriptedEndpoint another;
  const auto newcomer = endpoint_at(another.address(), "two");
  membership->replace(set_of({newcomer}));
  checker.look_again(*membership);
  EXPECT_TRUE(healthy());
  EXPECT_TRUE(newcomer->has(Obstacle::kUnchecked));
  turn_until([&] { return connection.ended(); });
  ScriptedConnection fresh = accept(another);
  request_of(fresh);
  fresh.send(kGood);
  turn_until([&] { return !log.empty(); });
  EXPECT_EQ(log, Log{"two passed, changed"});
  advance(60s);
  EXPECT_FALSE(asked());
}

TEST_F(HealthCheckerTest, WithoutAPathNothingIsAskedAndEverythingIsHealthy) {
  options.unhealthy_after = 1;
  checker.configure({{membership, options}});
  check(kBad);
  EXPECT_FALSE(healthy());
  options.path.clear();
  checker.configure({{membership, options}});
  EXPECT_TRUE(healthy());
  advance(60s);
  EXPECT_FALSE(asked());
}

TEST_F(HealthCheckerTest, ReconfiguringKeepsWhatStaysTheSameAndAsksAnewWhatChanged) {
  options.unhealthy_after = 1;
  options.healthy_after = 2;
  checker.configure({{membership, options}});
  check(kBad);
  checker.configure({{membership, options}});
  EXPECT_FALSE(healthy());
  EXPECT_FALSE(asked());

  options.path = "/other";
  checker.configure({{membership, options}});
  check(kGood);
  EXPECT_TRUE(last_request.starts_with("GET /other "));
  EXPECT_FALSE(healthy());  // one of two
  options.interval = 1s;
  checker.configure({{membership, options}});
  ScriptedConnection given_up = accept(server);
  options.interval = 2s;
  checker.configure({{membership, options}});
  turn_until([&] { return given_up.ended(); });
  check(kGood);
  EXPECT_TRUE(healthy());
  advance(2400ms);
  EXPECT_TRUE(asked());
}

TEST_F(HealthCheckerTest, AspNetCoreAppsGetTheirToken) {
  const auto app = std::make_shared<Endpoint>(
      Endpoint::Identity{.upstream = "web", .address = server.address(), .name = "web#0", .pairing_token = "secret"});
  checker.configure({{membership_of({app}), options}});
  check(kGood);
  EXPECT_NE(last_request.find("\r\nMS-ASPNETCORE-TOKEN: secret\r\n"), std::string::npos);
}

TEST_F(HealthCheckerTest, ChecksLookLikeWhatClientsSendWhereThatIsSaid) {
  options.host = "shop.example.com";
  options.headers = {{"X-Forwarded-Proto", "https"}, {"User-Agent", "Monitor"}};
  checker.configure({{membership, options}});
  check(kGood);
  EXPECT_NE(last_request.find("\r\nHost: shop.example.com\r\n"), std::string::npos) << last_request;
  EXPECT_NE(last_request.find("\r\nX-Forwarded-Proto: https\r\n"), std::string::npos) << last_request;
  EXPECT_NE(last_request.find("\r\nUser-Agent: Monitor\r\n"), std::string::npos) << last_request;
  EXPECT_EQ(last_request.find("Gatehouse"), std::string::npos) << last_request;
}

TEST_F(HealthCheckerTest, AResultMayLeadToAnotherConfiguration) {
  options.unhealthy_after = 1;
  HealthChecker once(loop, [&](const HealthCheckResult& result) {
    log.push_back(result.why);
    once.configure({});
  });
  once.configure({{membership, options}});
  check(kBad);
  EXPECT_TRUE(healthy());
  advance(60s);
  EXPECT_FALSE(asked());
}

}  // namespace
}  // namespace gatehouse
