// Upstreams whose endpoints come and go: who waits for the next one, who is refused, and what is told to whom.
#include "proxy/upstream/membership.h"

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/upstream_testing.h"

namespace gatehouse {
namespace {

using namespace std::chrono_literals;
using namespace testing_support;
using WhenNone = EndpointSet::WhenNone;

class MembershipTest : public ForwardingTest {
 protected:
  MembershipTest() { start(set_with({}, WhenNone::kWait)); }

  void start(std::shared_ptr<const EndpointSet> set, const UpstreamOptions& options = {}) {
    membership = std::make_shared<Membership>(
        "shop", std::move(set),
        Membership::Hooks{.wanted = [this] { ++wanted; },
                          .keeps_failing = [this](const auto& failing) { failed.push_back(failing); }});
    upstream = std::make_shared<Upstream>("shop", membership, options);
    routes = routes_to(upstream);
  }
  void replace(const std::vector<Address>& addresses, WhenNone when_none = WhenNone::kWait) {
    membership->replace(set_at(addresses, when_none));
    world.settle();
  }
  void refuse(Refusal refusal) {
    membership->replace(set_with({}, WhenNone::kRefuse, std::move(refusal)));
    world.settle();
  }
  // One request, and what the endpoint says to it.
  void respond_once(std::string_view status) {
    TestExchange e = exchange("GET");
    ScriptedConnection connection = world.accept(endpoint);
    carry(e, connection, "HTTP/1.1 " + std::string(status) + " X\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
  }
  std::string field(TestExchange& e, std::string_view name) {
    return std::string(e->response()->fields.find(name).value_or(""));
  }
  UpstreamCounters& counters() { return world.upstream_counters["shop"]; }

  std::shared_ptr<Membership> membership;
  int wanted = 0;
  std::vector<std::shared_ptr<Endpoint>> failed;
};

TEST_F(MembershipTest, WhoJoinsOthersStartsSlowlyAndTheFirstDoNot) {
  const auto first = Address::parse("127.0.0.1:1").value();
  const auto second = Address::parse("127.0.0.1:2").value();
  replace({first});
  const auto kept = membership->set()->members;
  EXPECT_EQ(kept.at(0).endpoint->available_since(), MonotonicTime{});
  auto both = std::make_shared<EndpointSet>(*membership->set());
  both->members.push_back(
      {.endpoint = std::make_shared<Endpoint>(Endpoint::Identity{.upstream = "shop", .address = second})});
  membership->replace(both);
  EXPECT_EQ(both->members.at(0).endpoint->available_since(), MonotonicTime{});
  EXPECT_GT(both->members.at(1).endpoint->available_since(), MonotonicTime{});
}

TEST_F(MembershipTest, TheFirstRequestAsksForAnEndpointAndGetsIt) {
  TestExchange e = exchange("POST");
  world.settle();
  EXPECT_EQ(wanted, 1);
  EXPECT_EQ(e.status(), 0);
  world.advance(3s);
  replace({endpoint.address()});
  ScriptedConnection connection = world.accept(endpoint);
  carry(e, connection, kOkResponse);
  EXPECT_EQ(e.body, "hello");
  EXPECT_EQ(e->record().queued, Duration(3s));
  EXPECT_EQ(e->record().attempts, 1U);
  EXPECT_EQ(wanted, 1);
}

TEST_F(MembershipTest, AThousandWaitAndGetTheirPlacesInTheirOrder) {
  start(set_with({}, WhenNone::kWait), {.max_requests = 1});
  std::deque<TestExchange> waiting;
  for (int i = 0; i < 1000; ++i) {
    waiting.emplace_back(world, routes, request_head("GET", "/" + std::to_string(i)));
    world.loop.turn(EventLoop::Wait::kNever);
  }
  TestExchange too_many = exchange("GET");
  world.settle();
  EXPECT_EQ(wanted, 1);
  EXPECT_EQ(counters().waiting.value(), 1000U);
  EXPECT_EQ(too_many->record().fault, Fault::kQueueFull);
  replace({endpoint.address()});
  ScriptedConnection connection = world.accept(endpoint);
  for (int i = 0; i < 1000; ++i) {
    const std::string request = carry(waiting[static_cast<std::size_t>(i)], connection, kOkResponse);
    ASSERT_TRUE(request.starts_with("GET /" + std::to_string(i) + " ")) << request;
  }
  EXPECT_EQ(counters().waiting.value(), 0U);
}

TEST_F(MembershipTest, WithoutALimitAllOfThemGetOneAtOnceOnEveryWorker) {
  UpstreamWorld other;
  std::deque<TestExchange> waiting;
  for (int i = 0; i < 20; ++i) waiting.emplace_back(i % 2 == 0 ? world : other, routes, request_head("GET"));
  world.settle();
  other.settle();
  EXPECT_EQ(upstream->waiting(), 20U);
  replace({endpoint.address()});
  other.settle();
  EXPECT_EQ(upstream->waiting(), 0U);
  EXPECT_EQ(endpoints_of(*upstream)[0]->in_flight(), 20U);
  waiting.clear();
  other.settle();
}

TEST_F(MembershipTest, WhoWaitsIsRefusedWhenNoneWillCome) {
  TestExchange a = exchange("GET");
  TestExchange b = exchange("GET");
  world.settle();
  refuse({.fault = Fault::kAppParked, .retry_after = 30s});
  EXPECT_EQ(a.status(), 503);
  EXPECT_EQ(b->record().fault, Fault::kAppParked);
  EXPECT_EQ(field(b, "Retry-After"), "30");
  EXPECT_EQ(upstream->waiting(), 0U);
  TestExchange c = exchange("GET");
  world.settle();
  EXPECT_EQ(c->record().fault, Fault::kAppParked);
  EXPECT_FALSE(c->record().queued.has_value());
  EXPECT_EQ(wanted, 1);
}

TEST_F(MembershipTest, WhoWaitsWhenAnotherSetBringsNothingAsksAgain) {
  TestExchange e = exchange("GET");
  world.settle();
  membership->replace(set_with({}, WhenNone::kWait));
  world.settle();
  EXPECT_EQ(wanted, 2);
  TestExchange f = exchange("GET");
  world.settle();
  EXPECT_EQ(wanted, 2);
  world.advance(121s);
  EXPECT_EQ(e->record().fault, Fault::kQueueTimeout);
}

TEST_F(MembershipTest, ARefusalMayBringItsOwnBody) {
  refuse({.fault = Fault::kAppOffline, .body = "<h1>soon</h1>", .content_type = "text/html"});
  TestExchange e = exchange("GET");
  world.turn_until([&] { return e.over(); });
  EXPECT_EQ(e.status(), 503);
  EXPECT_EQ(e.body, "<h1>soon</h1>");
  EXPECT_EQ(field(e, "Content-Type"), "text/html");
  EXPECT_FALSE(e->response()->fields.find("Retry-After").has_value());
}

TEST_F(MembershipTest, OnlyLoopbackClientsSeeDetailsAndOnlyIfWanted) {
  for (const bool detailed : {true, false}) {
    start(set_with({}, WhenNone::kRefuse, {.fault = Fault::kAppStartFailed, .detail = "exited(3)"}),
          {.detailed_errors = detailed});
    for (const char* from : {"127.0.0.1:9", "192.0.2.1:9"}) {
      TestExchange e(world, routes, request_head("GET"), {.address = Address::parse(from).value()});
      world.turn_until([&] { return e.over(); });
      EXPECT_EQ(e.body.contains("exited(3)"), detailed && from[1] == '2') << from;
    }
  }
}

TEST_F(MembershipTest, WhereNobodyIsWellAllAreTriedAndThatIsCounted) {
  ScriptedEndpoint other;
  start(set_at({endpoint.address(), other.address()}));
  endpoints_of(*upstream)[0]->set(Obstacle::kUnhealthy);
  TestExchange calm = exchange("GET");
  ScriptedConnection well = world.accept(other);
  carry(calm, well, kOkResponse);
  EXPECT_EQ(counters().panics.value(), 0U);
  endpoints_of(*upstream)[1]->set(Obstacle::kNotServing);
  TestExchange e = exchange("GET");
  ScriptedConnection connection = world.accept(endpoint);
  carry(e, connection, kOkResponse);
  EXPECT_EQ(e.status(), 200);
  EXPECT_EQ(counters().panics.value(), 1U);
}

TEST_F(MembershipTest, WhereTheDoubtedAreRefusedNobodyIsAskedAndNobodyWaits) {
  for (const WhenNone when_none : {WhenNone::kRefuse, WhenNone::kWait}) {
    start(set_at({endpoint.address()}, when_none), {.when_all_unhealthy = WhenAllUnhealthy::kRefuse});
    const std::shared_ptr<Endpoint> only = endpoints_of(*upstream)[0];
    for (const Obstacle obstacle : {Obstacle::kUnhealthy, Obstacle::kEjected}) {
      only->set(obstacle);
      TestExchange e = exchange("GET");
      world.turn_until([&] { return e.over(); });
      EXPECT_EQ(e.status(), 503);
      EXPECT_EQ(e->record().fault, Fault::kNoHealthyEndpoint);
      EXPECT_FALSE(e->record().queued.has_value());
      EXPECT_FALSE(endpoint.accept().has_value());
      only->clear(obstacle);
    }
    TestExchange well = exchange("GET");
    ScriptedConnection connection = world.accept(endpoint);
    carry(well, connection, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    EXPECT_EQ(well.status(), 200);
    EXPECT_EQ(counters().panics.value(), 0U);
  }
}

TEST_F(MembershipTest, WhereTheDoubtedAreRefusedSoAreThoseWhoWaitForAPlaceThere) {
  start(set_at({endpoint.address()}), {.max_requests = 1, .when_all_unhealthy = WhenAllUnhealthy::kRefuse});
  TestExchange a = exchange("GET");
  TestExchange b = exchange("GET");
  ScriptedConnection connection = world.accept(endpoint);
  EXPECT_EQ(upstream->waiting(), 1U);
  endpoints_of(*upstream)[0]->set(Obstacle::kUnhealthy);
  carry(a, connection, kOkResponse);
  EXPECT_EQ(a.status(), 200);
  world.turn_until([&] { return b.over(); });
  EXPECT_EQ(b->record().fault, Fault::kNoHealthyEndpoint);
  EXPECT_EQ(upstream->waiting(), 0U);
}

TEST_F(MembershipTest, WhereTheDoubtedAreRefusedAnAppThatStartsIsWaitedForAllTheSame) {
  start(set_with({}, WhenNone::kWait), {.when_all_unhealthy = WhenAllUnhealthy::kRefuse});
  TestExchange e = exchange("GET");
  world.settle();
  EXPECT_EQ(upstream->waiting(), 1U);
  EXPECT_EQ(e.status(), 0);
}

TEST_F(MembershipTest, InAPanicPlacesAreWaitedForToo) {
  start(set_at({endpoint.address()}), {.max_requests = 1});
  endpoints_of(*upstream)[0]->set(Obstacle::kEjected);
  TestExchange a = exchange("GET");
  TestExchange b = exchange("GET");
  ScriptedConnection connection = world.accept(endpoint);
  EXPECT_EQ(upstream->waiting(), 1U);
  carry(a, connection, kOkResponse);
  carry(b, connection, kOkResponse);
  EXPECT_EQ(b.body, "hello");
}

TEST_F(MembershipTest, AnEndpointThatLeavesTheSetIsUsedNoMoreAndItsIdleConnectionsClose) {
  replace({endpoint.address()});
  const std::shared_ptr<const Upstream> adopted = upstream;
  world.pools.adopt({&adopted, 1});
  ScriptedConnection connection = kept_connection();
  EXPECT_EQ(idle(), 1U);
  ScriptedEndpoint next;
  membership->replace(set_at({next.address()}));
  world.pools.refresh();
  EXPECT_EQ(idle(), 0U);
  EXPECT_TRUE(world.turn_until([&] { return connection.ended(); }));
  TestExchange e = exchange("GET");
  ScriptedConnection other = world.accept(next);
  carry(e, other, kOkResponse);
  EXPECT_EQ(e.status(), 200);
}

TEST_F(MembershipTest, WaitersForATakenPlaceGetTheNewEndpoints) {
  start(set_at({endpoint.address()}), {.max_requests = 1});
  TestExchange a = exchange("GET");
  TestExchange b = exchange("GET");
  world.settle();
  ScriptedEndpoint next;
  std::vector<EndpointSet::Member> members = membership->set()->members;
  members.push_back({.endpoint = endpoint_at(next.address())});
  membership->replace(set_with(members));
  ScriptedConnection connection = world.accept(next);
  carry(b, connection, kOkResponse);
  EXPECT_EQ(b.body, "hello");
  EXPECT_EQ(a.status(), 0);
}

TEST_F(MembershipTest, RepeatedFailuresAreTold) {
  start(set_at({endpoint.address()}), {.failures_to_eject = 3});
  for (const char* status : {"503", "504", "500", "502", "503"}) respond_once(status);
  EXPECT_TRUE(failed.empty());
  for (const char* status : {"502", "503", "503", "503"}) respond_once(status);
  ASSERT_EQ(failed.size(), 2U);
  EXPECT_EQ(failed[0], endpoints_of(*upstream)[0]);
  EXPECT_EQ(failed[0]->failures_in_row(), 6U);
}

TEST_F(MembershipTest, WhichStatusesAreFailuresIsSaid) {
  start(set_at({endpoint.address()}), {.failures_to_eject = 3, .failure_statuses = {500, 500}});
  for (const char* status : {"500", "500", "502", "500", "500"}) respond_once(status);
  EXPECT_TRUE(failed.empty());
  respond_once("500");
  EXPECT_EQ(failed.size(), 1U);
}

TEST_F(MembershipTest, ErrorsWeighWithTheBalancerThoughTheyAreNoFailures) {
  start(set_at({endpoint.address()}), {.failures_to_eject = 3});
  const std::shared_ptr<Endpoint> judged = endpoints_of(*upstream)[0];
  for (int i = 0; i < 8; ++i) respond_once("500");
  EXPECT_EQ(judged->failures_in_row(), 0U);
  const std::uint32_t share = judged->error_share();
  EXPECT_GT(share, Endpoint::kAllErrors / 3);
  respond_once("404");
  EXPECT_LT(judged->error_share(), share);
}

}  // namespace
}  // namespace gatehouse
