#include <algorithm>
#include <chrono>
#include <string>

#include <gtest/gtest.h>

#include "tests/support/quic_case.h"

namespace gatehouse {
namespace {

using namespace std::chrono_literals;
using testing_support::H3Client;
using testing_support::QuicCase;

constexpr auto kH3 = static_cast<std::size_t>(Protocol::kH3);

class QuicConnectionTest : public QuicCase {};

TEST_F(QuicConnectionTest, GetIsAnswered) {
  H3Client& client = connected();
  const auto stream = client.get("/hello?x=1");
  until([&] { return client.response(stream).ended; });
  EXPECT_EQ(client.response(stream).status, 200);
  EXPECT_EQ(client.response(stream).body, "hello\n");
  EXPECT_EQ(client.response(stream).field("content-length"), "6");
  EXPECT_FALSE(client.response(stream).field("date").empty());
  ASSERT_EQ(observer.ended.size(), 1U);
  EXPECT_EQ(observer.ended[0].target, "/hello?x=1");
  EXPECT_EQ(observer.ended[0].status, 200);
  EXPECT_FALSE(observer.ended[0].fault.has_value());
}

TEST_F(QuicConnectionTest, HandshakeAndConnectionAreCounted) {
  connected();
  EXPECT_EQ(counters.connections[kH3].value(), 1U);
  EXPECT_EQ(counters.connections_total[kH3].value(), 1U);
  EXPECT_EQ(counters.handshakes[1][kH3][0].value(), 1U);
  clients[0]->close();
  pass(2s);
  EXPECT_EQ(counters.connections[kH3].value(), 0U);
  EXPECT_EQ(context.connections.size(), 0U);
}

TEST_F(QuicConnectionTest, AnswerAndItsAcknowledgementLeaveInOneDatagram) {
  H3Client& client = connected();
  pass(1s);  // MTU discovery and acknowledgements of the handshake are over
  const std::size_t before = network.datagrams_out;
  const auto stream = client.get("/");
  settle();
  EXPECT_TRUE(client.response(stream).ended);
  EXPECT_EQ(network.datagrams_out - before, 1U);
}

TEST_F(QuicConnectionTest, SilentClientIsForgottenAfterTheIdleTimeout) {
  connected();
  network.cut = true;
  pass(29s);
  EXPECT_EQ(context.connections.size(), 1U);
  pass(2s);
  EXPECT_EQ(context.connections.size(), 0U);
}

TEST_F(QuicConnectionTest, SlowAnswerOutlivesTheIdleTimeout) {
  script = [](Exchange&) {};
  policy->exchange.response_timeout = 10min;
  H3Client& client = connected();
  client.get("/slow");
  pass(75s);
  EXPECT_TRUE(client.connected());
  EXPECT_EQ(observer.running, 1);
}

TEST_F(QuicConnectionTest, HandshakeThatNeverCompletesIsDroppedInTime) {
  connect();
  clients[0]->step();
  loop.turn(EventLoop::Wait::kNever);
  network.cut = true;
  EXPECT_EQ(context.connections.size(), 1U);
  pass(11s);
  EXPECT_EQ(context.connections.size(), 0U);
  EXPECT_EQ(counters.handshake_failures[static_cast<std::size_t>(HandshakeFailure::kTimeout)].value(), 1U);
}

TEST_F(QuicConnectionTest, UnprovenAddressGetsAtMostThreeTimesWhatItSent) {
  connect();
  std::size_t received = 0;
  clients[0]->step();
  received = network.datagrams_in * 1200;
  loop.turn(EventLoop::Wait::kNever);
  network.cut = true;  // the client never hears: probes must keep to the limit, too
  clients.clear();
  pass(9s);
  EXPECT_GT(network.bytes_out, 0U);
  EXPECT_LE(network.bytes_out, 3 * received);
}

TEST_F(QuicConnectionTest, ClientWithoutAlpnH3IsRefused) {
  H3Client& client = connect({.clock = clock, .to_server = {}, .alpn = "h2"});
  until([&] { return client.closed().has_value(); });
  EXPECT_EQ(client.closed()->code, 0x178U);
  EXPECT_EQ(counters.handshake_failures[static_cast<std::size_t>(HandshakeFailure::kAlpn)].value(), 1U);
}

TEST_F(QuicConnectionTest, VersionTwoIsSpoken) {
  H3Client& client = connect({.clock = clock, .to_server = {}, .version = 0x6b3343cf});
  until([&] { return client.connected(); });
  const auto stream = client.get("/");
  until([&] { return client.response(stream).ended; });
}

TEST_F(QuicConnectionTest, GoodbyeIsRepeatedEverMoreRarely) {
  H3Client& client = connected();
  context.connections.close_all();
  const std::size_t before = network.datagrams_out;
  client.get("/");
  for (int i = 0; i < 40; ++i) {
    client.step();  // it does not know yet: the goodbye waits in its queue
    pass(1ms);
    client.close();
  }
  EXPECT_LE(network.datagrams_out - before, 3U);
  pass(3s);
  EXPECT_EQ(context.connections.size(), 0U);
}

TEST_F(QuicConnectionTest, ReboundClientKeepsItsConnectionAndIsKnownByTheValidatedAddress) {
  std::vector<std::string> seen;
  script = [&](Exchange& exchange) {
    if (exchange.response()) return;
    seen.push_back(exchange.client().address.to_string());
    exchange.respond({}, "ok");
  };
  H3Client& client = connected();
  const auto first = client.get("/1");
  until([&] { return client.response(first).ended; });
  client.move_to(Address::parse("127.0.0.1:40001").value());
  const auto second = client.get("/2");
  until([&] { return client.response(second).ended; });
  pass(1s);
  const auto third = client.get("/3");
  until([&] { return client.response(third).ended; });
  ASSERT_EQ(seen.size(), 3U);
  EXPECT_EQ(seen[0], "127.0.0.1:40000");
  EXPECT_EQ(seen[1], "127.0.0.1:40000");  // not validated yet when it came
  EXPECT_EQ(seen[2], "127.0.0.1:40001");
}

TEST_F(QuicConnectionTest, DeliberateMigrationWithANewIdWorks) {
  H3Client& client = connected();
  pass(200ms);
  const auto before = client.destination_id();
  client.migrate_to(Address::parse("127.0.0.1:40002").value());
  pass(500ms);
  EXPECT_NE(client.destination_id(), before);
  const auto stream = client.get("/");
  until([&] { return client.response(stream).ended; });
}

TEST_F(QuicConnectionTest, ClientMayUpdateKeys) {
  H3Client& client = connected();
  pass(500ms);
  ASSERT_TRUE(client.update_key());
  const auto stream = client.get("/");
  until([&] { return client.response(stream).ended; });
}

TEST_F(QuicConnectionTest, DrainServesWhatCrossedTheFirstGoawayThenCloses) {
  script = [](Exchange&) {};
  H3Client& client = connected();
  const auto running = client.get("/running");
  settle();
  context.connections.drain_all();
  const auto crossed = client.get("/crossed");
  until([&] { return client.goaway().has_value(); });
  EXPECT_EQ(observer.running, 2);
  pass(300ms);
  EXPECT_EQ(client.goaway(), crossed + 4);
  EXPECT_TRUE(client.connected());
  client.stop(running, 0x10c);
  client.stop(crossed, 0x10c);
  until([&] { return client.closed().has_value(); });
  EXPECT_TRUE(client.closed()->by_application);
  EXPECT_EQ(client.closed()->code, 0x100U);
}

TEST_F(QuicConnectionTest, ClosingTheListenerSaysGoodbyeToItsConnections) {
  H3Client& client = connected();
  client.get("/");
  settle();
  listener->close();
  settle();
  EXPECT_TRUE(client.closed().has_value());
  EXPECT_EQ(context.connections.size(), 0U);
}

TEST_F(QuicConnectionTest, HundredStreamsMayBeOpenAndMoreAfterwards) {
  H3Client& client = connected();
  for (int round = 0; round < 5; ++round) {
    std::vector<std::int64_t> streams;
    for (int i = 0; i < 100; ++i) {
      const auto stream = client.get("/" + std::to_string(i));
      ASSERT_GE(stream, 0) << round << " " << i;
      streams.push_back(stream);
    }
    until([&] { return std::ranges::all_of(streams, [&](auto s) { return client.response(s).closed; }); });
    pass(50ms);
  }
  EXPECT_EQ(observer.ended.size(), 500U);
}

}  // namespace
}  // namespace gatehouse
