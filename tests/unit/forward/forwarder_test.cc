// The decisions around an exchange: which endpoint, which connection, when to try again, when to wait, and that a
// client which goes away takes everything with it.
#include "proxy/forward/forwarder.h"

#include <unistd.h>

#include <cerrno>
#include <optional>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "proxy/observe/access_record.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/upstream_testing.h"

namespace gatehouse {
namespace {

using namespace std::chrono_literals;
using namespace testing_support;

using ForwarderTest = ForwardingTest;

TEST_F(ForwarderTest, ARefusedConnectionIs502WithItsReason) {
  routes = routes_to(upstream_of({refused_address()}));
  TestExchange e = exchange("POST");
  world.turn_until([&] { return e.over(); });
  EXPECT_EQ(e.status(), 502);
  EXPECT_EQ(e->record().fault, Fault::kConnectRefused);
  EXPECT_EQ(e->record().attempts, 1U);
  EXPECT_NE(e->response()->fields.find(FieldName::kProxyStatus)->find("connection_refused"), std::string_view::npos);
  EXPECT_NE(e->response()->fields.find(FieldName::kProxyStatus)->find("(ECONNREFUSED)"), std::string_view::npos);
  EXPECT_EQ(e->record().error, ECONNREFUSED);
  EXPECT_EQ(AccessRecord::of(*e).error, "ECONNREFUSED");
}

TEST_F(ForwarderTest, ARefusedConnectionIsTriedAtTheNextEndpointForAnyMethod) {
  const Address refused = refused_address();
  upstream = upstream_of({refused, endpoint.address()});
  routes = routes_to(upstream);
  TestExchange e = exchange("POST", BodyLength::known(4));
  e->request_body().write(Buffer("body"));
  e->request_body().finish();
  ScriptedConnection connection = world.accept(endpoint);
  EXPECT_TRUE(carry(e, connection, kOkResponse).ends_with("body"));
  EXPECT_EQ(e.status(), 200);
  EXPECT_EQ(e->record().attempts, 2U);
  EXPECT_EQ(e->record().endpoint, endpoint.address().to_string());
  EXPECT_EQ(world.upstream_counters["shop"].retries[static_cast<std::size_t>(RetryReason::kConnect)].value(), 1U);
  EXPECT_EQ(world.endpoint_counters[refused.to_string()].connects_refused.value(), 1U);
  EXPECT_EQ(world.endpoint_counters[endpoint.address().to_string()].connects_ok.value(), 1U);
  for (const auto& one : endpoints_of(*upstream)) EXPECT_EQ(one->in_flight(), 0U);
}

TEST_F(ForwarderTest, TriesAtMostThreeEndpoints) {
  routes = routes_to(upstream_of({refused_address(), refused_address(), refused_address(), refused_address()}));
  TestExchange e = exchange("GET");
  world.turn_until([&] { return e.over(); });
  EXPECT_EQ(e->record().attempts, 3U);
  EXPECT_EQ(e.status(), 503);
  EXPECT_EQ(e->record().fault, Fault::kNoHealthyEndpoint);
  EXPECT_EQ(e->response()->fields.find(FieldName::kRetryAfter), "1");
}

TEST_F(ForwarderTest, AConnectionThatDiedWhileKeptIsReplacedByAFreshOneForIdempotentMethods) {
  ScriptedConnection stale = kept_connection();
  TestExchange e = exchange("GET");
  world.request_of(stale);
  stale.reset();
  ScriptedConnection fresh = world.accept(endpoint);
  carry(e, fresh, kOkResponse);
  EXPECT_EQ(e.status(), 200);
  EXPECT_EQ(e->record().attempts, 2U);
  EXPECT_EQ(world.upstream_counters["shop"].retries[static_cast<std::size_t>(RetryReason::kStale)].value(), 1U);
}

struct NoRetry {
  const char* name;
  const char* method;
  const char* body;
  bool reused;
  const char* response;
};
class NoRetryTest : public ForwarderTest, public ::testing::WithParamInterface<NoRetry> {};

TEST_P(NoRetryTest, FailsRatherThanRunARequestTwice) {
  const NoRetry& param = GetParam();
  std::optional<ScriptedConnection> kept;
  if (param.reused) kept = kept_connection();
  const std::string_view body = param.body;
  TestExchange e = exchange(param.method, body.empty() ? BodyLength::none() : BodyLength::known(body.size()));
  if (!body.empty()) {
    e->request_body().write(Buffer(body));
    e->request_body().finish();
  }
  ScriptedConnection connection = param.reused ? *std::move(kept) : world.accept(endpoint);
  world.request_of(connection);
  if (*param.response != '\0') connection.send(param.response);
  world.settle();
  connection.close();
  world.turn_until([&] { return e.over(); });
  EXPECT_EQ(e.status(), 502);
  EXPECT_EQ(e->record().attempts, 1U);
  world.settle();
  EXPECT_FALSE(endpoint.accept().has_value());
}

INSTANTIATE_TEST_SUITE_P(Request, NoRetryTest,
                         ::testing::Values(NoRetry{"GetOnAFreshConnection", "GET", "", false, ""},
                                           NoRetry{"PostOnAKeptOne", "POST", "", true, ""},
                                           NoRetry{"PostWithBodyOnAKeptOne", "POST", "body", true, ""},
                                           NoRetry{"PutWhoseBodyIsGone", "PUT", "body", true, ""},
                                           NoRetry{"GetThatWasPartlyAnswered", "GET", "", true, "HTTP/1.1 2"}),
                         [](const auto& case_info) { return case_info.param.name; });

TEST_F(ForwarderTest, APutWhoseBodyHasNotComeYetIsTriedAgain) {
  ScriptedConnection stale = kept_connection();
  TestExchange e = exchange("PUT", BodyLength::known(4));
  world.request_of(stale);
  stale.close();
  ScriptedConnection fresh = world.accept(endpoint);
  e->request_body().write(Buffer("body"));
  e->request_body().finish();
  EXPECT_TRUE(carry(e, fresh, kOkResponse).ends_with("body"));
  EXPECT_EQ(e.status(), 200);
}

TEST_F(ForwarderTest, AConnectionThatDiesAfterARetryOfItsKindIsNotTriedForever) {
  ScriptedConnection stale = kept_connection();
  TestExchange e = exchange("GET");
  world.request_of(stale);
  stale.close();
  ScriptedConnection fresh = world.accept(endpoint);
  world.request_of(fresh);
  fresh.close();
  world.turn_until([&] { return e.over(); });
  EXPECT_EQ(e.status(), 502);
  EXPECT_EQ(e->record().attempts, 2U);
}

TEST_F(ForwarderTest, AClientThatGoesAwayTakesItsConnectionWithItAtEveryStage) {
  enum class Stage { kConnecting, kSending, kWaiting, kHalfResponded };
  for (const Stage stage : {Stage::kConnecting, Stage::kSending, Stage::kWaiting, Stage::kHalfResponded}) {
    TestExchange e = exchange("POST", stage == Stage::kSending ? BodyLength::unknown() : BodyLength::none());
    world.loop.turn(EventLoop::Wait::kNever);
    ScriptedConnection connection = world.accept(endpoint);
    if (stage != Stage::kConnecting) world.request_of(connection);
    if (stage == Stage::kHalfResponded) {
      connection.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
      world.turn_until([&] { return e.body == "half"; });
    }
    e.destroy();
    EXPECT_EQ(endpoints_of(*upstream)[0]->in_flight(), 0U);
    EXPECT_TRUE(world.turn_until([&] { return connection.ended(); }));
    EXPECT_EQ(idle() + active(), 0U);
  }
  EXPECT_EQ(world.observer.begun, world.observer.ended);
}

TEST_F(ForwarderTest, NobodyGetsTheRestOfAnAbortedAnswer) {
  TestExchange aborted = exchange("GET");
  ScriptedConnection first = world.accept(endpoint);
  world.request_of(first);
  first.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nAAAAA");
  world.turn_until([&] { return aborted.body == "AAAAA"; });
  aborted.destroy();
  TestExchange other = exchange("GET");
  ScriptedConnection second = world.accept(endpoint);
  carry(other, second, kOkResponse);
  EXPECT_EQ(other.body, "hello");
}

TEST_F(ForwarderTest, ARouteMayChangeTargetAndHostButTheLogKeepsTheClients) {
  routes = routes_to(upstream, {.path = "/api", .strip_prefix = true, .preserve_host = false});
  TestExchange e(world, routes, request_head("GET", "/api/v1/x?q=1"));
  ScriptedConnection connection = world.accept(endpoint);
  const std::string request = carry(e, connection, kOkResponse);
  EXPECT_TRUE(request.starts_with("GET /v1/x?q=1 HTTP/1.1\r\nHost: " + endpoint.address().to_string() + "\r\n"))
      << request;
  EXPECT_NE(request.find("\r\nX-Forwarded-Prefix: /api\r\n"), std::string::npos);
  EXPECT_NE(request.find("\r\nX-Forwarded-Host: shop.example.com\r\n"), std::string::npos);
  EXPECT_EQ(e->request().target, "/api/v1/x?q=1");
  EXPECT_EQ(e->request().authority, "shop.example.com");
}

TEST_F(ForwarderTest, AHeadThatCannotBeWrittenSafelyIsNotSent) {
  TestExchange e(world, routes, request_head("GET", "/a\r\nX-Evil: 1"));
  world.turn_until([&] { return e.over(); });
  EXPECT_EQ(e->record().fault, Fault::kRequestNotWritable);
  EXPECT_EQ(endpoints_of(*upstream)[0]->in_flight(), 0U);
  EXPECT_FALSE(endpoint.accept().has_value());
}

TEST_F(ForwarderTest, OptionsWithNoForwardsLeftEndHere) {
  RequestHead head = request_head("OPTIONS", "*");
  head.fields.add("Max-Forwards", "0");
  TestExchange e(world, routes, std::move(head));
  world.turn_until([&] { return e.over(); });
  EXPECT_EQ(e.status(), 200);
  EXPECT_FALSE(endpoint.accept().has_value());
}

TEST_F(ForwarderTest, NoAvailableEndpointIs503) {
  endpoints_of(*upstream)[0]->set(Obstacle::kNotServing);
  TestExchange e = exchange("GET");
  world.turn_until([&] { return e.over(); });
  EXPECT_EQ(e.status(), 503);
  EXPECT_EQ(e->record().fault, Fault::kNoHealthyEndpoint);
  endpoints_of(*upstream)[0]->clear(Obstacle::kNotServing);
  TestExchange f = exchange("GET");
  ScriptedConnection connection = world.accept(endpoint);
  carry(f, connection, kOkResponse);
  EXPECT_EQ(f.status(), 200);
}

class UnixForwarderTest : public ForwarderTest {
 protected:
  UnixForwarderTest() : local(Address::parse("unix:" + (folder.path() / "app").string()).value()) {
    upstream = upstream_of({local.address()});
    routes = routes_to(upstream);
  }
  TemporaryFolder folder;
  ScriptedEndpoint local;
};

TEST_F(UnixForwarderTest, CarriesRequestsAndNamesLocalhost) {
  routes = routes_to(upstream, {.preserve_host = false});
  TestExchange e = exchange("GET");
  ScriptedConnection connection = world.accept(local);
  EXPECT_NE(carry(e, connection, kOkResponse).find("Host: localhost\r\n"), std::string::npos);
  EXPECT_EQ(e.body, "hello");
}

TEST_F(UnixForwarderTest, AnAppThatWentWithoutReadingTheHeadIsTriedAgainForAnyMethod) {
  TestExchange e = exchange("POST", BodyLength::known(4));
  world.settle();
  EXPECT_EQ(e->record().attempts, 1U);
  // The connection stands in the backlog, the head is in its buffer, and nobody ever accepts it.
  local.stop_listening();
  local.listen_again();
  ScriptedConnection connection = world.accept(local);
  e->request_body().write(Buffer("body"));
  e->request_body().finish();
  EXPECT_TRUE(carry(e, connection, kOkResponse).ends_with("body"));
  EXPECT_EQ(e.status(), 200);
  EXPECT_EQ(world.upstream_counters["shop"].retries[static_cast<std::size_t>(RetryReason::kUnread)].value(), 1U);
}

TEST_F(UnixForwarderTest, AnAppThatHasReadTheHeadIsNot) {
  TestExchange e = exchange("POST", BodyLength::known(4));
  ScriptedConnection connection = world.accept(local);
  world.request_of(connection);
  connection.close();
  world.turn_until([&] { return e.over(); });
  EXPECT_EQ(e.status(), 502);
  EXPECT_EQ(e->record().attempts, 1U);
}

TEST_F(UnixForwarderTest, AMissingSocketIsAConnectThatFailed) {
  routes = routes_to(upstream_of({Address::parse("unix:" + (folder.path() / "none").string()).value()}));
  TestExchange e = exchange("GET");
  world.turn_until([&] { return e.over(); });
  EXPECT_EQ(e->record().fault, Fault::kConnectFailed);
}

// Over Unix sockets, where the system says who listens. We do, and are to find somebody else.
class ForeignListenerTest : public UnixForwarderTest {
 protected:
  std::shared_ptr<Endpoint> app_of(uid_t user, int pid = 0) const {
    return endpoint_at(local.address(), pid, {}, user);
  }
  EndpointCounters& counters() { return world.endpoint_counters[local.address().to_string()]; }

  const uid_t us = ::geteuid();
  const uid_t other = us + 1;
};

TEST_F(ForeignListenerTest, WhoListensInAnAppsPlaceGetsNothing) {
  const auto app = app_of(other, 4711);
  upstream = upstream_with(set_with({{.endpoint = app}}, EndpointSet::WhenNone::kWait));
  routes = routes_to(upstream);
  TestExchange e = exchange("POST", BodyLength::known(6));
  e->request_body().write(Buffer("secret"));
  e->request_body().finish();
  world.turn_until([&] { return e.over(); });
  EXPECT_EQ(e.status(), 502);
  EXPECT_EQ(e->record().fault, Fault::kForeignListener);
  EXPECT_EQ(e->record().attempts, 1U);
  ScriptedConnection connection = world.accept(local);
  EXPECT_TRUE(world.turn_until([&] { return connection.ended(); }));
  EXPECT_EQ(connection.received(), "");
  EXPECT_EQ(counters().connects_foreign.value(), 1U);
  EXPECT_EQ(counters().connects_ok.value(), 0U);
  EXPECT_EQ(counters().connections_active.value(), 0U);
  EXPECT_EQ(app->failures_in_row(), 1U);
}

TEST_F(ForeignListenerTest, TheAppsOwnUserIsServed) {
  routes = routes_to(upstream_with(set_with({{.endpoint = app_of(us)}})));
  TestExchange e = exchange("GET");
  ScriptedConnection connection = world.accept(local);
  carry(e, connection, kOkResponse);
  EXPECT_EQ(e.body, "hello");
}

TEST_F(ForeignListenerTest, AnotherInstanceIsAskedInsteadWhateverTheMethod) {
  routes =
      routes_to(upstream_with(set_with({{.endpoint = app_of(other)}, {.endpoint = endpoint_at(endpoint.address())}})));
  TestExchange e = exchange("POST");
  ScriptedConnection connection = world.accept(endpoint);
  carry(e, connection, kOkResponse);
  EXPECT_EQ(e.status(), 200);
  EXPECT_EQ(e->record().attempts, 2U);
}

TEST_F(UnixForwarderTest, AFullBacklogIsWaitedFor) {
  ScriptedEndpoint narrow(Address::parse("unix:" + (folder.path() / "narrow").string()).value(), 0);
  routes = routes_to(upstream_of({narrow.address()}));
  TestExchange first = exchange("GET");
  TestExchange second = exchange("GET");
  world.settle();
  ScriptedConnection one = world.accept(narrow);
  carry(first, one, kOkResponse);
  EXPECT_FALSE(narrow.accept().has_value());  // the second has not got in
  world.advance(10ms);
  ScriptedConnection two = world.accept(narrow);
  carry(second, two, kOkResponse);
  EXPECT_EQ(second.body, "hello");
}

}  // namespace
}  // namespace gatehouse
