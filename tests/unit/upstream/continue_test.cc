// Clients that hold their body back until they are told 100 (RFC 9110 section 10.1.1): who tells them, and when.
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/upstream_testing.h"

namespace gatehouse {
namespace {

using namespace std::chrono_literals;
using namespace testing_support;

class ExpectingClientTest : public ForwardingTest {
 protected:
  TestExchange expecting() {
    RequestHead head = request_head("POST", "/", BodyLength::known(2));
    head.expects_continue = true;
    return {world, routes, std::move(head)};
  }
};

TEST_F(ExpectingClientTest, IsInvitedByTheEndpointAndNotTwice) {
  for (const bool kept : {false, true}) {
    std::optional<ScriptedConnection> connection;
    if (kept) connection = kept_connection();
    TestExchange e = expecting();
    if (!kept) connection = world.accept(endpoint);
    EXPECT_NE(world.request_of(*connection).find("\r\nExpect: 100-continue\r\n"), std::string::npos);
    world.advance(900ms);
    EXPECT_TRUE(e.interims.empty());
    connection->send("HTTP/1.1 100 Continue\r\n\r\n");
    world.turn_until([&] { return !e.interims.empty(); });
    world.advance(2s);
    EXPECT_EQ(e.interims, std::vector<std::uint16_t>{100});
    e->request_body().write(Buffer("ok"));
    e->request_body().finish();
    carry(e, *connection, kOkResponse);
    EXPECT_EQ(e.status(), 200);
    world.pools.close_idle();
  }
}

TEST_F(ExpectingClientTest, IsInvitedAfterASecondOfTheEndpointsSilence) {
  TestExchange e = expecting();
  ScriptedConnection connection = world.accept(endpoint);
  world.request_of(connection);
  world.advance(1001ms);
  EXPECT_EQ(e.interims, std::vector<std::uint16_t>{100});
  connection.send("HTTP/1.1 100 Continue\r\n\r\n");
  world.settle();
  e->request_body().write(Buffer("ok"));
  e->request_body().finish();
  carry(e, connection, kOkResponse);
  EXPECT_EQ(e.interims, std::vector<std::uint16_t>{100});
  EXPECT_EQ(e.status(), 200);
}

// Our second and the endpoint's word in one turn: the word counts, be it 100 or a refusal.
TEST_F(ExpectingClientTest, GetsWhatTheEndpointSaidInTheTurnInWhichItsTimeEnds) {
  for (const std::string_view said : {std::string_view("HTTP/1.1 100 Continue\r\n\r\n"),
                                      std::string_view("HTTP/1.1 103 Early Hints\r\n\r\n"
                                                       "HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n")}) {
    TestExchange e = expecting();
    ScriptedConnection connection = world.accept(endpoint);
    world.request_of(connection);
    connection.send(said);
    world.advance(1001ms);
    const bool refused = said.contains("401");
    EXPECT_EQ(e.interims, std::vector<std::uint16_t>{static_cast<std::uint16_t>(refused ? 103 : 100)});
    EXPECT_EQ(e.status(), refused ? 401 : 0);
  }
}

TEST_F(ExpectingClientTest, IsNotBlamedForABodyThatNobodyHasAskedFor) {
  upstream = upstream_of({endpoint.address()}, {.balance = Balance::kRoundRobin, .max_requests = 1});
  routes = routes_to(upstream, {.limits = {.request_body_timeout = 10s}});
  TestExchange first = exchange("GET");
  ScriptedConnection connection = world.accept(endpoint);
  world.request_of(connection);
  TestExchange e = expecting();
  world.advance(60s);
  EXPECT_EQ(e.status(), 0);
  carry(first, connection, kOkResponse);
  world.request_of(connection);
  world.advance(1001ms);
  EXPECT_EQ(e.interims, std::vector<std::uint16_t>{100});
  world.advance(9s);
  EXPECT_EQ(e.status(), 0);
  world.advance(2s);
  EXPECT_EQ(e.status(), 408);
}

TEST_F(ExpectingClientTest, WaitsForNothingWhileThereIsNoConnection) {
  TestExchange e = expecting();
  world.clock.advance(1001ms);
  ScriptedConnection connection = world.accept(endpoint);
  world.request_of(connection);
  EXPECT_TRUE(e.interims.empty());
}

}  // namespace
}  // namespace gatehouse
