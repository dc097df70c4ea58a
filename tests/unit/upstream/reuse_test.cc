// A kept connection before its next request: what the endpoint has said meanwhile is nobody's answer, and a request
// that has not left goes elsewhere.
#include <linux/filter.h>
#include <sys/socket.h>

#include <array>
#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "tests/support/upstream_testing.h"

namespace gatehouse {
namespace {

using namespace std::chrono_literals;
using namespace testing_support;

class ReuseTest : public ForwardingTest {
 protected:
  void limit(const UpstreamOptions& options) {
    upstream = upstream_of({endpoint.address()}, options);
    routes = routes_to(upstream);
  }
  EndpointCounters& counters() { return world.endpoint_counters[endpoint.address().to_string()]; }
  // From now on that end takes no segment any more, as if all of them were still on their way.
  static void hold_back_requests(ScriptedConnection& connection) {
    std::array<sock_filter, 1> none = {{{.code = BPF_RET | BPF_K, .jt = 0, .jf = 0, .k = 0}}};
    const sock_fprog program{.len = none.size(), .filter = none.data()};
    ASSERT_EQ(::setsockopt(connection.fd(), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program), 0);
  }
  std::uint64_t waiting() { return world.upstream_counters["shop"].waiting.value(); }
};

// Bytes come after the poller has looked, right before a request would leave.
TEST_F(ReuseTest, BytesThatThePollerHasNotToldOfAreSeenBeforeTheNextRequestLeaves) {
  for (const char* method : {"GET", "POST"}) {
    ScriptedConnection evil = kept_connection();
    world.clock.advance(1s);
    Waker late(world.loop, [&] { evil.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nEVIL"); });
    late.wake();
    TestExchange e = exchange(method);
    ScriptedConnection fresh = world.accept(endpoint);
    EXPECT_TRUE(evil.received().empty()) << evil.received();
    EXPECT_TRUE(evil.ended());
    carry(e, fresh, kOkResponse);
    EXPECT_EQ(e.body, "hello");
    EXPECT_EQ(e->record().attempts, 2U);
    world.advance(61s);
  }
  EXPECT_EQ(counters().extra_bytes.value(), 2U);
  EXPECT_EQ(world.upstream_counters["shop"].retries[static_cast<std::size_t>(RetryReason::kStale)].value(), 2U);
}

TEST_F(ReuseTest, BytesThatCrossWithTheNextRequestAreNotItsAnswer) {
  for (const char* method : {"GET", "POST"}) {
    ScriptedConnection evil = kept_connection();
    world.clock.advance(1s);
    hold_back_requests(evil);
    TestExchange e = exchange(method);
    world.settle();
    EXPECT_TRUE(e->record().upstream_reused);
    EXPECT_FALSE(e.over());
    evil.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nEVIL");
    if (e->request().method == "GET") {
      ScriptedConnection fresh = world.accept(endpoint);
      carry(e, fresh, kOkResponse);
      EXPECT_EQ(e.body, "hello");
    } else {  // nobody knows whether it has run
      world.turn_until([&] { return e.over(); });
      EXPECT_EQ(e.status(), 502);
    }
    world.advance(61s);
  }
  EXPECT_EQ(counters().extra_bytes.value(), 2U);
  EXPECT_EQ(endpoints_of(*upstream)[0]->failures_in_row(), 0U);
}

TEST_F(ReuseTest, ACloseThatThePollerHasNotToldOfIsSeenBeforeTheNextRequestLeaves) {
  ScriptedConnection gone = kept_connection();
  world.clock.advance(1s);
  Waker late(world.loop, [&] { gone.close(); });
  late.wake();
  TestExchange e = exchange("POST", BodyLength::known(4));
  e->request_body().write(Buffer("body"));
  e->request_body().finish();
  ScriptedConnection fresh = world.accept(endpoint);
  EXPECT_TRUE(carry(e, fresh, kOkResponse).ends_with("body"));
  EXPECT_EQ(e.body, "hello");
  EXPECT_EQ(counters().extra_bytes.value(), 0U);
}

TEST_F(ReuseTest, AConnectionIsUsedAgainInALaterTurnThanTheOneInWhichItsAnswerEnded) {
  TestExchange first = exchange("GET");
  ScriptedConnection connection = world.accept(endpoint);
  world.request_of(connection);
  connection.forget();
  connection.send(kOkResponse);
  std::optional<TestExchange> second;
  Waker begin(world.loop, [&] { second.emplace(world, routes, request_head("POST")); }, Waker::Phase::kFlush);
  begin.wake();
  world.loop.turn(EventLoop::Wait::kNever);
  ASSERT_EQ(first.body, "hello");
  ASSERT_EQ((*second)->record().attempts, 1U);
  EXPECT_TRUE((*second)->record().upstream_reused);
  EXPECT_TRUE(connection.received().empty());
  world.request_of(connection);
  EXPECT_TRUE(connection.received().starts_with("POST"));
  EXPECT_FALSE(endpoint.accept().has_value());
  carry(*second, connection, kOkResponse);
  EXPECT_EQ(second->body, "hello");
}

TEST_F(ReuseTest, WhoWaitsForAPlaceDoesNotGetTheBytesBehindTheAnswerBefore) {
  limit({.max_requests = 1});
  TestExchange first = exchange("GET");
  TestExchange second = exchange("GET");
  ScriptedConnection connection = world.accept(endpoint);
  world.request_of(connection);
  EXPECT_EQ(waiting(), 1U);
  connection.forget();
  connection.send(kOkResponse);
  world.loop.turn(EventLoop::Wait::kNever);
  ASSERT_EQ(first.body, "hello");
  connection.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nEVIL");
  ScriptedConnection fresh = world.accept(endpoint);
  carry(second, fresh, kOkResponse);
  EXPECT_EQ(second.body, "hello");
  EXPECT_TRUE(connection.received().empty());
}

}  // namespace
}  // namespace gatehouse
