// What becomes of requests whose endpoint dies under them: hosted apps that are replaced, budgets, affinity over
// replacements.
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "common/crypto/mac.h"
#include "proxy/forward/affinity.h"
#include "tests/support/upstream_testing.h"

namespace gatehouse {
namespace {

using namespace std::chrono_literals;
using namespace testing_support;
using WhenNone = EndpointSet::WhenNone;

// One instance of an app, which the test plays as well as the app host.
class FailoverTest : public ForwardingTest {
 protected:
  FailoverTest() {
    instance = endpoint_at(endpoint.address(), 4711, "secret-token");
    membership =
        std::make_shared<Membership>("shop", app({{.endpoint = instance}}),
                                     Membership::Hooks{.lost = [this](const auto& one) { lost.push_back(one); }});
    upstream = std::make_shared<Upstream>("shop", membership, UpstreamOptions{});
    routes = routes_to(upstream);
  }
  static std::shared_ptr<const EndpointSet> app(std::vector<EndpointSet::Member> members) {
    return set_with(std::move(members), WhenNone::kWait);
  }
  // As the app host does once it has learned of the process's end.
  void notice_the_end() {
    instance->set(Obstacle::kNotServing);
    membership->replace(app({}));
    world.settle();
  }
  void start_next(ScriptedEndpoint& at) {
    instance = endpoint_at(at.address(), 4712);
    membership->replace(app({{.endpoint = instance}}));
    world.settle();
  }
  std::uint64_t retries(RetryReason reason) {
    return world.upstream_counters["shop"].retries[static_cast<std::size_t>(reason)].value();
  }

  std::shared_ptr<Endpoint> instance;
  std::shared_ptr<Membership> membership;
  std::vector<std::shared_ptr<Endpoint>> lost;
};

TEST_F(FailoverTest, TheProcessIsNamedAndAskedWithItsToken) {
  RequestHead head = request_head("GET");
  head.fields.add("MS-ASPNETCORE-TOKEN", "forged");
  TestExchange e(world, routes, std::move(head));
  ScriptedConnection connection = world.accept(endpoint);
  const std::string request = carry(e, connection, kOkResponse);
  EXPECT_TRUE(request.contains("\r\nMS-ASPNETCORE-TOKEN: secret-token\r\n")) << request;
  EXPECT_FALSE(request.contains("forged"));
  EXPECT_FALSE(e->request().fields.find("MS-ASPNETCORE-TOKEN").has_value());
  EXPECT_EQ(e->record().app_pid, 4711);
}

TEST_F(FailoverTest, ARefusedPostWaitsForTheNextInstance) {
  endpoint.stop_listening();
  TestExchange e = exchange("POST", BodyLength::known(4));
  e->request_body().write(Buffer("body"));
  e->request_body().finish();
  world.turn_until([&] { return upstream->waiting() == 1; });
  notice_the_end();
  EXPECT_EQ(e.status(), 0);
  ScriptedEndpoint next;
  start_next(next);
  ScriptedConnection connection = world.accept(next);
  EXPECT_TRUE(carry(e, connection, kOkResponse).ends_with("body"));
  EXPECT_EQ(e.status(), 200);
  EXPECT_EQ(e->record().attempts, 2U);
  EXPECT_EQ(e->record().app_pid, 4712);
  EXPECT_TRUE(e->record().queued.has_value());
}

TEST_F(FailoverTest, AnEndThatNobodyHasNoticedYetIsWaitedForToo) {
  ScriptedConnection kept = kept_connection();
  endpoint.stop_listening();
  TestExchange e = exchange("GET");
  world.request_of(kept);
  kept.reset();
  world.turn_until([&] { return upstream->waiting() == 1; });
  EXPECT_TRUE(instance->has(Obstacle::kLost));
  EXPECT_EQ(e->record().attempts, 2U);
  ScriptedEndpoint next;
  start_next(next);
  ScriptedConnection connection = world.accept(next);
  carry(e, connection, kOkResponse);
  EXPECT_EQ(e.status(), 200);
}

TEST_F(FailoverTest, AnInstanceThatOnlyRefusedForAMomentIsFoundAgain) {
  endpoint.stop_listening();
  TestExchange e = exchange("POST");
  world.turn_until([&] { return upstream->waiting() == 1; });
  endpoint.listen_again();
  world.advance(101ms);
  EXPECT_FALSE(instance->has(Obstacle::kLost));
  ScriptedConnection connection = world.accept(endpoint);
  carry(e, connection, kOkResponse);
  EXPECT_EQ(e.status(), 200);
}

TEST_F(FailoverTest, AnInstanceThatKeepsRefusingIsGivenUp) {
  endpoint.stop_listening();
  TestExchange e = exchange("GET");
  for (int i = 0; i < 8 && !e.over(); ++i) {
    world.settle();
    world.advance(101ms);
  }
  EXPECT_EQ(e.status(), 502);
  EXPECT_EQ(e->record().fault, Fault::kConnectRefused);
  EXPECT_EQ(e->record().attempts, 6U);
  EXPECT_EQ(lost, std::vector(6, instance));
}

// A process that is being killed accepts for a moment what it will never read.
TEST_F(FailoverTest, AGetThatAnInstanceDroppedTwiceWaitsUntilItsEndIsKnown) {
  ScriptedConnection kept = kept_connection();
  TestExchange e = exchange("GET");
  world.request_of(kept);
  kept.reset();
  ScriptedConnection fresh = world.accept(endpoint);
  world.request_of(fresh);
  fresh.reset();
  world.settle();
  EXPECT_FALSE(e.over());
  notice_the_end();
  world.advance(51ms);
  world.turn_until([&] { return upstream->waiting() == 1; });
  ScriptedEndpoint next;
  start_next(next);
  ScriptedConnection connection = world.accept(next);
  carry(e, connection, kOkResponse);
  EXPECT_EQ(e.status(), 200);
  EXPECT_EQ(e->record().attempts, 3U);
}

TEST_F(FailoverTest, AnInstanceThatDropsARequestAgainAndAgainIsNotAskedForEver) {
  TestExchange e = exchange("GET");
  for (int i = 0; i < 3; ++i) {
    ScriptedConnection connection = world.accept(endpoint);
    world.request_of(connection);
    connection.reset();
    world.settle();
    world.advance(51ms);
  }
  world.turn_until([&] { return e.over(); });
  EXPECT_EQ(e.status(), 502);
  EXPECT_EQ(e->record().attempts, 3U);
}

TEST_F(FailoverTest, AGetThatDiedWithItsProcessRunsAtTheNext) {
  TestExchange e = exchange("GET");
  ScriptedConnection connection = world.accept(endpoint);
  world.request_of(connection);
  instance->set(Obstacle::kNotServing);
  connection.reset();
  world.turn_until([&] { return upstream->waiting() == 1; });
  ScriptedEndpoint next;
  start_next(next);
  ScriptedConnection second = world.accept(next);
  carry(e, second, kOkResponse);
  EXPECT_EQ(e.status(), 200);
  EXPECT_EQ(retries(RetryReason::kStale), 1U);
}

TEST_F(FailoverTest, APostThatDiedWithItsProcessIsNeverRunAgain) {
  for (const bool noticed : {true, false}) {
    ScriptedEndpoint at;
    start_next(at);
    TestExchange e = exchange("POST");
    ScriptedConnection connection = world.accept(at);
    world.request_of(connection);
    if (noticed) notice_the_end();
    connection.reset();
    world.turn_until([&] { return e.over(); });
    EXPECT_EQ(e.status(), 502);
    EXPECT_EQ(e->record().attempts, 1U);
  }
}

TEST_F(FailoverTest, AnAppThatIsParkedMeanwhileSaysSo) {
  endpoint.stop_listening();
  TestExchange e = exchange("POST");
  world.turn_until([&] { return upstream->waiting() == 1; });
  instance->set(Obstacle::kNotServing);
  membership->replace(set_with({}, WhenNone::kRefuse, {.fault = Fault::kAppParked, .retry_after = 60s}));
  world.turn_until([&] { return e.over(); });
  EXPECT_EQ(e->record().fault, Fault::kAppParked);
}

TEST_F(FailoverTest, AnotherInstanceTakesOverAtOnce) {
  ScriptedEndpoint other;
  membership->replace(app({{.endpoint = instance}}));
  TestExchange e = exchange("GET");
  ScriptedConnection connection = world.accept(endpoint);
  world.request_of(connection);
  membership->replace(app({{.endpoint = instance}, {.endpoint = endpoint_at(other.address(), 4713)}}));
  connection.reset();
  ScriptedConnection second = world.accept(other);
  carry(e, second, kOkResponse);
  EXPECT_EQ(e.status(), 200);
  EXPECT_FALSE(e->record().queued.has_value());
}

TEST_F(FailoverTest, RetriesEndWithTheirBudget) {
  upstream = upstream_of({refused_address(), endpoint.address()});
  routes = routes_to(upstream);
  std::optional<ScriptedConnection> connection;
  int denied = 0;
  for (int i = 0; i < 60; ++i) {
    TestExchange e = exchange("GET");
    if (!connection) connection = world.accept(endpoint);
    world.turn_until([&] { return e.over() || !connection->received().empty(); });
    if (e.over()) {
      EXPECT_EQ(e->record().fault, Fault::kConnectRefused);
      ++denied;
    } else {
      carry(e, *connection, kOkResponse);
    }
  }
  // Ten are given, and a fifth of sixty are earned.
  EXPECT_GT(denied, 0);
  EXPECT_GE(retries(RetryReason::kConnect), 20U);
  EXPECT_LE(retries(RetryReason::kConnect), 22U);
  EXPECT_EQ(world.upstream_counters["shop"].retries_denied.value(), static_cast<std::uint64_t>(denied));
}

class StickyTest : public ForwardingTest {
 protected:
  StickyTest() {
    membership = std::make_shared<Membership>("shop", pair(endpoint, other), Membership::Hooks{});
    upstream = std::make_shared<Upstream>(
        "shop", membership,
        UpstreamOptions{.balance = Balance::kRoundRobin, .sticky_cookie = "stick", .affinity_key = "key"});
    routes = routes_to(upstream);
  }
  static std::shared_ptr<const EndpointSet> pair(ScriptedEndpoint& a, ScriptedEndpoint& b) {
    return set_with({{.endpoint = endpoint_at(a.address()), .affinity = "web#0"},
                     {.endpoint = endpoint_at(b.address()), .affinity = "web#1"}});
  }
  static std::string id_of(const std::string& member) { return mac::sign("key", "shop\n" + member); }
  // What the client is told to keep: "" if nothing.
  std::string ask(const std::string& cookie, ScriptedEndpoint& expected, bool secure = false) {
    RequestHead head = request_head("GET");
    head.secure = secure;
    if (!cookie.empty()) head.fields.add("Cookie", "a=b; stick=" + cookie + "; c=d");
    TestExchange e(world, routes, std::move(head));
    ScriptedConnection connection = world.accept(expected);
    carry(e, connection, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    return std::string(e->response()->fields.find("Set-Cookie").value_or(""));
  }

  ScriptedEndpoint other;
  std::shared_ptr<Membership> membership;
};

TEST_F(StickyTest, ClientsComeBackToTheirMemberEvenIfItsProcessIsAnother) {
  const std::string first = id_of("web#0");
  const std::string second = id_of("web#1");
  EXPECT_EQ(ask("", endpoint), "stick=" + first + "; Path=/; HttpOnly; SameSite=Lax");
  for (int i = 0; i < 5; ++i) EXPECT_EQ(ask(first, endpoint), "");
  for (int i = 0; i < 5; ++i) EXPECT_EQ(ask(second, other), "");
  ScriptedEndpoint next;
  membership->replace(pair(next, other));
  for (int i = 0; i < 5; ++i) EXPECT_EQ(ask(first, next), "");
}

TEST_F(StickyTest, WhoseMemberIsAwayGetsAnotherAndIsTold) {
  endpoints_of(*upstream)[0]->set(Obstacle::kUnhealthy);
  EXPECT_TRUE(ask(id_of("web#0"), other, true).starts_with("stick=" + id_of("web#1") + ";"));
}

TEST_F(StickyTest, SaysSecureOnSecureListeners) {
  EXPECT_TRUE(ask("", endpoint, true).ends_with("; Secure"));
}

TEST_F(StickyTest, IgnoresWhatItHasNotSigned) {
  endpoints_of(*upstream)[1]->set(Obstacle::kUnhealthy);
  const std::string first = "stick=" + id_of("web#0") + ";";
  for (const std::string& forged : {std::string("web#1"), std::string(32, '0'), id_of("web#1") + "0",
                                    mac::sign("another key", "shop\nweb#1"), mac::sign("key", "other shop\nweb#1")}) {
    EXPECT_TRUE(ask(forged, endpoint).starts_with(first)) << forged;
  }
}

// Addresses behind us are nobody's business.
TEST_F(StickyTest, SaysNothingOfTheEndpoint) {
  membership->replace(set_with({{.endpoint = endpoint_at(endpoint.address())}}));
  const std::string cookie = ask("", endpoint);
  const std::string id = cookie.substr(0, cookie.find(';')).substr(std::string_view("stick=").size());
  EXPECT_EQ(id, id_of(endpoint.address().to_string()));
  EXPECT_EQ(id.size(), 32U);
  EXPECT_EQ(id.find_first_not_of("0123456789abcdef"), std::string::npos);
}

TEST(MacTest, IsHmacSha256CutShort) {
  // RFC 4231, test cases 2 and 1.
  EXPECT_EQ(mac::sign("Jefe", "what do ya want for nothing?"), "5bdcc146bf60754e6a042426089575c7");
  EXPECT_EQ(mac::sign(std::string(20, '\x0b'), "Hi There"), "b0344c61d8db38535ca8afceaf0bf12b");
  EXPECT_TRUE(mac::equal("abc", "abc"));
  EXPECT_FALSE(mac::equal("abc", "abd"));
  EXPECT_FALSE(mac::equal("abc", "abcd"));
}

TEST(AffinityTest, FindsWhatItHashes) {
  RequestHead head = request_head("GET", "/a/b?c=d");
  head.fields.add("X-Tenant", "blue");
  head.fields.add("Cookie", "sidx=1;  sid=abc; other=2");
  ClientInfo client{.address = Address::parse("192.0.2.7:4000").value()};
  const auto key = [&](HashOn on, std::string name = {}) {
    return affinity::key(head, client, {.balance = Balance::kHash, .hash_on = on, .hash_name = std::move(name)});
  };
  EXPECT_EQ(affinity::cookie(head.fields, "sid"), "abc");
  EXPECT_EQ(affinity::cookie(head.fields, "id"), "");
  EXPECT_EQ(affinity::key(head, client, {}), std::nullopt);
  EXPECT_EQ(key(HashOn::kHeader, "x-absent"), std::nullopt);
  EXPECT_EQ(key(HashOn::kCookie, "none"), std::nullopt);
  const auto path = key(HashOn::kPath);
  head.target = "/a/b?other";
  EXPECT_EQ(key(HashOn::kPath), path);
  EXPECT_NE(key(HashOn::kHeader, "x-tenant"), key(HashOn::kCookie, "sid"));
  const auto address = key(HashOn::kClientAddress);
  client.address = Address::parse("192.0.2.7:5000").value();
  EXPECT_EQ(key(HashOn::kClientAddress), address);
  client.address = Address::parse("192.0.2.8:5000").value();
  EXPECT_NE(key(HashOn::kClientAddress), address);
}

TEST(AffinityTest, BehindATrustedProxyItsClientCounts) {
  const auto key = [](const char* origin) {
    const ClientInfo client{.address = Address::parse("10.0.0.1:1").value(),
                            .forwarded_for = std::make_shared<const Address>(Address::parse(origin).value())};
    return affinity::key(request_head("GET"), client, {.balance = Balance::kHash});
  };
  EXPECT_EQ(key("203.0.113.1:0"), key("203.0.113.1:7"));
  EXPECT_NE(key("203.0.113.1:0"), key("203.0.113.2:0"));
}

}  // namespace
}  // namespace gatehouse
