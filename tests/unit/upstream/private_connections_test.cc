// Connections that endpoints know a client by: whose they are, and how they end.
#include "proxy/upstream/private_connections.h"

#include <memory>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "tests/support/upstream_testing.h"

namespace gatehouse {
namespace {

using namespace std::chrono_literals;
using namespace testing_support;

constexpr std::string_view kChallenge =
    "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: NTLM\r\nContent-Length: 0\r\n\r\n";

class PrivateConnectionsTest : public ForwardingTest {
 protected:
  TestExchange ask(BelongingsPtr& client, RequestHead head = request_head("GET")) {
    return {world, routes, std::move(head), ClientInfo{.belongings = &client}};
  }
  // A client with a connection of its own.
  ScriptedConnection own(BelongingsPtr& client) {
    TestExchange e = ask(client);
    ScriptedConnection connection = world.accept(endpoint);
    carry(e, connection, kChallenge);
    EXPECT_EQ(e.status(), 401);
    return connection;
  }
  bool ends(ScriptedConnection& connection) {
    return world.turn_until([&] { return connection.ended(); });
  }
  std::size_t resting() { return counters().connections_private.value(); }
  EndpointCounters& counters() { return world.endpoint_counters[endpoint.address().to_string()]; }

  std::shared_ptr<const RouteTable> routes = routes_to(upstream, {.h1_only = true, .connection_auth = true});
  BelongingsPtr alice;
  BelongingsPtr bob;
};

TEST_F(PrivateConnectionsTest, EachClientHasItsOwnAndNobodyElsesAndNoPermitWhileItRests) {
  ScriptedConnection of_alice = own(alice);
  ScriptedConnection of_bob = own(bob);
  EXPECT_EQ(resting(), 2U);
  EXPECT_EQ(idle() + active(), 0U);
  EXPECT_EQ(endpoints_of(*upstream)[0]->in_flight(), 0U);
  for (int i = 0; i < 3; ++i) {
    TestExchange a = ask(alice);
    TestExchange b = ask(bob);
    EXPECT_FALSE(world.request_of(of_alice).empty());
    carry(b, of_bob, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbob");
    carry(a, of_alice, kOkResponse);
    EXPECT_EQ(b.body, "bob");
    EXPECT_EQ(a.body, "hello");
    EXPECT_TRUE(a->record().upstream_reused);
  }
  EXPECT_EQ(resting(), 2U);
  EXPECT_EQ(counters().closed_private.value(), 0U);
}

TEST_F(PrivateConnectionsTest, EndsWithItsClient) {
  ScriptedConnection connection = own(alice);
  alice.reset();
  EXPECT_EQ(resting(), 0U);
  EXPECT_TRUE(ends(connection));
}

TEST_F(PrivateConnectionsTest, EndsWhenIdleForTooLong) {
  ScriptedConnection connection = own(alice);
  world.advance(PoolOptions{}.idle_timeout);
  EXPECT_EQ(resting(), 0U);
  EXPECT_TRUE(ends(connection));
  EXPECT_EQ(PrivateConnections::of(alice)->size(), 0U);
}

TEST_F(PrivateConnectionsTest, OneThatItsEndpointClosesIsReplacedWithoutTheClientNoticing) {
  ScriptedConnection gone = own(alice);
  gone.close();
  EXPECT_TRUE(world.turn_until([&] { return resting() == 0; }));
  TestExchange e = ask(alice);
  ScriptedConnection fresh = world.accept(endpoint);
  carry(e, fresh, kOkResponse);
  EXPECT_EQ(e.body, "hello");
}

TEST_F(PrivateConnectionsTest, OneThatDiesUnderARequestIsReplacedByAFreshOne) {
  ScriptedConnection stale = own(alice);
  TestExchange e = ask(alice);
  world.request_of(stale);
  stale.close();
  ScriptedConnection fresh = world.accept(endpoint);
  carry(e, fresh, kOkResponse);
  EXPECT_EQ(e.body, "hello");
  EXPECT_EQ(e->record().attempts, 2U);
  EXPECT_EQ(resting(), 0U);
  EXPECT_EQ(idle(), 1U) << "nobody has authenticated there";
}

TEST_F(PrivateConnectionsTest, EndsWithItsEndpointWhileItRests) {
  ScriptedConnection connection = own(alice);
  const ScriptedEndpoint replacement;
  const std::shared_ptr<const Upstream> next = upstream_of({replacement.address()});
  world.pools.adopt({&next, 1});
  EXPECT_EQ(resting(), 0U);
  EXPECT_TRUE(ends(connection));
  EXPECT_EQ(PrivateConnections::of(alice)->size(), 0U);
}

TEST_F(PrivateConnectionsTest, EndsWithItsEndpointWhenItComesBack) {
  ScriptedConnection connection = own(alice);
  TestExchange e = ask(alice);
  world.request_of(connection);
  const ScriptedEndpoint replacement;
  const std::shared_ptr<const Upstream> next = upstream_of({replacement.address()});
  world.pools.adopt({&next, 1});
  carry(e, connection, kOkResponse);
  EXPECT_EQ(e.body, "hello");
  EXPECT_EQ(resting() + idle() + active(), 0U);
  EXPECT_TRUE(ends(connection));
}

TEST_F(PrivateConnectionsTest, OneOfAnEndpointThatServesNoMoreIsNotUsed) {
  ScriptedConnection connection = own(alice);
  endpoints_of(*upstream)[0]->set(Obstacle::kNotServing);
  TestExchange e = ask(alice);
  world.settle();
  EXPECT_TRUE(connection.received().empty());
  EXPECT_TRUE(e.over());
}

TEST_F(PrivateConnectionsTest, AProxyThatSpeaksForOthersGetsNone) {
  auto policy = std::make_shared<ListenerPolicy>();
  policy->trusted_proxies = {AddressRange::parse("10.0.0.0/8").value()};
  RequestHead head = request_head("GET");
  head.fields.add(FieldName::kXForwardedFor, "203.0.113.1");
  TestExchange e{world, routes, std::move(head),
                 ClientInfo{.address = Address::parse("10.0.0.1:1").value(), .listener = policy, .belongings = &alice}};
  ScriptedConnection connection = world.accept(endpoint);
  carry(e, connection, kChallenge);
  EXPECT_TRUE(ends(connection));
  EXPECT_EQ(counters().closed_private.value(), 1U);
  EXPECT_EQ(alice, nullptr);
}

TEST_F(PrivateConnectionsTest, WithoutTheKeyItEndsWithItsExchange) {
  routes = routes_to(upstream);
  ScriptedConnection connection = own(alice);
  EXPECT_TRUE(ends(connection));
  EXPECT_EQ(counters().closed_private.value(), 1U);
  EXPECT_EQ(alice, nullptr);
}

TEST_F(PrivateConnectionsTest, AnotherUpstreamIsNotServedByIt) {
  ScriptedConnection connection = own(alice);
  ScriptedEndpoint elsewhere;
  const auto at = std::make_shared<Endpoint>(Endpoint::Identity{.upstream = "other", .address = elsewhere.address()});
  const auto other = std::make_shared<Upstream>(
      "other", std::make_shared<Membership>("other", set_with({{.endpoint = at}}), Membership::Hooks{}),
      UpstreamOptions{});
  TestExchange e{world, routes_to(other, {.connection_auth = true}), request_head("GET"),
                 ClientInfo{.belongings = &alice}};
  ScriptedConnection there = world.accept(elsewhere);
  carry(e, there, kOkResponse);
  EXPECT_EQ(e.body, "hello");
  EXPECT_TRUE(connection.received().empty());
  EXPECT_EQ(resting(), 1U);
}

TEST_F(PrivateConnectionsTest, IsPreferredWhateverTheBalancerWouldChoose) {
  ScriptedEndpoint second;
  upstream = upstream_of({endpoint.address(), second.address()}, {.balance = Balance::kRoundRobin});
  routes = routes_to(upstream, {.connection_auth = true});
  TestExchange first = ask(alice);
  std::optional<ScriptedConnection> connection;
  ASSERT_TRUE(world.turn_until([&] {
    if (!connection) connection = endpoint.accept();
    if (!connection) connection = second.accept();
    return connection.has_value();
  }));
  carry(first, *connection, kChallenge);
  for (int i = 0; i < 4; ++i) {
    TestExchange e = ask(alice);
    carry(e, *connection, kOkResponse);
    EXPECT_EQ(e.body, "hello");
  }
}

TEST_F(PrivateConnectionsTest, GivesItsRoomToWhoHasNoneOnceNothingElseIsLeft) {
  UpstreamWorld small{std::make_shared<DescriptorBudget>(1)};
  const auto ask_there = [&](BelongingsPtr& client) {
    return TestExchange{small, routes, request_head("GET"), ClientInfo{.belongings = &client}};
  };
  TestExchange a = ask_there(alice);
  ScriptedConnection of_alice = small.accept(endpoint);
  small.request_of(of_alice);
  of_alice.send(kChallenge);
  small.turn_until([&] { return a.over(); });
  small.settle();
  EXPECT_FALSE(of_alice.ended());
  TestExchange b = ask_there(bob);
  ScriptedConnection of_bob = small.accept(endpoint);
  EXPECT_TRUE(small.turn_until([&] { return of_alice.ended(); }));
  small.request_of(of_bob);
  of_bob.send(kOkResponse);
  small.turn_until([&] { return b.over(); });
  EXPECT_EQ(b.body, "hello");
  EXPECT_EQ(small.endpoint_counters[endpoint.address().to_string()].closed_for_room.value(), 1U);
}

}  // namespace
}  // namespace gatehouse
