// What is left of QUIC connections that have ended, and of handshakes that fail: nothing that a client could pile up.
#include <malloc.h>

#include <chrono>
#include <string>

#include <gtest/gtest.h>

#include "proxy/frontend/connection_budget.h"
#include "tests/support/quic_case.h"

namespace gatehouse {
namespace {

using namespace std::chrono_literals;
using testing_support::H3Client;
using testing_support::QuicCase;

class QuicEndingsTest : public QuicCase {
 protected:
  // Bytes in use; 0 under sanitizers, which have an allocator of their own.
  static std::size_t in_use() { return ::mallinfo2().uordblks; }

  H3Client::Dependencies from(const std::string& where, const std::string& alpn = "h3") const {
    return {.clock = clock, .to_server = {}, .local = Address::parse(where).value(), .alpn = alpn};
  }
  // The first flight of a client that is gone before it hears anything.
  void first_flight(const std::string& where, const std::string& alpn = "h3") {
    connect(from(where, alpn)).step();
    loop.turn(EventLoop::Wait::kNever);
    clients.clear();
  }
  std::uint64_t failures() const {
    return counters.handshake_failures[static_cast<std::size_t>(HandshakeFailure::kAlpn)].value();
  }
};

TEST_F(QuicEndingsTest, HandshakeThatFailsIsGoneWithItsOneAnswer) {
  H3Client& client = connect(from("127.0.0.1:40000", "h2"));
  client.step();
  loop.turn(EventLoop::Wait::kNever);
  EXPECT_EQ(failures(), 1U);
  EXPECT_EQ(context.connections.size(), 0U);
  EXPECT_EQ(network.datagrams_out, 1U);
  until([&] { return client.closed().has_value(); });
  EXPECT_EQ(client.closed()->code, 0x178U);
}

TEST_F(QuicEndingsTest, HandshakesThatFailMakeTheirPrefixProveItsAddressAndLeaveNoMemoryBehind) {
  first_flight("10.1.0.1:4000", "h2");
  const std::size_t before = in_use();
  for (int i = 0; i < 500; ++i) first_flight("10.0.0.1:" + std::to_string(2000 + i), "h2");
  EXPECT_EQ(context.connections.size(), 0U);
  EXPECT_LE(failures(), 1 + options.max_half_open_per_prefix);
  EXPECT_GE(counters.retries_sent.value(), 500 - options.max_half_open_per_prefix);
  EXPECT_LT(in_use(), before + 256 * 1024);
}

TEST_F(QuicEndingsTest, HandshakesThatFailFromEverywhereAreBoundedByTheTotalOfASecond) {
  for (int i = 0; i < 300; ++i) first_flight("10.0." + std::to_string(i % 250) + ".1:4000", "h2");
  EXPECT_LE(failures(), options.max_half_open);
  pass(1s);
  const auto retries = counters.retries_sent.value();
  connected();
  EXPECT_EQ(counters.retries_sent.value(), retries);
}

TEST_F(QuicEndingsTest, GarbageThatLooksLikeAnInitialLeavesNothingBehind) {
  network.reroute = [this](const UdpDatagram& datagram) {
    std::vector<std::uint8_t> bytes(datagram.bytes.begin(), datagram.bytes.end());
    bytes[600] ^= 1;  // its tag is wrong
    listener->receive({.path = datagram.path, .ecn = 0, .bytes = bytes});
  };
  for (int i = 0; i < 50; ++i) first_flight("10.0.0.1:" + std::to_string(2000 + i));
  EXPECT_EQ(context.connections.size(), 0U);
  EXPECT_GE(counters.retries_sent.value(), 50 - options.max_half_open_per_prefix);
}

TEST_F(QuicEndingsTest, ClientThatSaidGoodbyeCostsNoConnectionAndIsMetWithSilence) {
  H3Client& client = connected();
  std::vector<std::vector<std::uint8_t>> late;
  network.reroute = [&](const UdpDatagram& datagram) {
    late.emplace_back(datagram.bytes.begin(), datagram.bytes.end());
  };
  for (int i = 0; i < 5; ++i) {
    client.get("/" + std::string(100, 'x'));
    client.step();
  }
  ASSERT_FALSE(late.empty());
  network.reroute = nullptr;
  client.close();
  loop.turn(EventLoop::Wait::kNever);
  EXPECT_EQ(context.connections.size(), 0U);
  const std::size_t before = network.datagrams_out;
  const Address home = Address::parse("127.0.0.1:40000").value();
  const auto deliver = [&] {
    for (const auto& bytes : late) {
      listener->receive({.path = {.local = address.data(),
                                  .local_length = address.length(),
                                  .remote = home.data(),
                                  .remote_length = home.length()},
                         .ecn = 0,
                         .bytes = bytes});
    }
  };
  deliver();
  EXPECT_EQ(network.datagrams_out, before);
  EXPECT_TRUE(listener->needed());
  pass(5s);
  EXPECT_FALSE(listener->needed());
  deliver();
  EXPECT_GT(counters.stateless_resets_sent.value(), 0U);  // by now it is unknown
}

TEST_F(QuicEndingsTest, ConnectionsThatWeCloseFreeTheirMemoryAtOnce) {
  connected();
  clients.clear();
  context.connections.close_all();
  loop.turn(EventLoop::Wait::kNever);
  const std::size_t before = in_use();
  for (int i = 0; i < 100; ++i) {
    connected();
    clients.clear();
    context.connections.close_all();
    loop.turn(EventLoop::Wait::kNever);
    EXPECT_EQ(context.connections.size(), 0U);
  }
  EXPECT_LT(in_use(), before + 100 * 2048);
}

TEST_F(QuicEndingsTest, UnprovenClientTakesNobodysPlace) {
  context.budget = std::make_shared<ConnectionBudget>(2);
  for (int i = 0; i < 8; ++i) first_flight("10.0.0.1:" + std::to_string(2000 + i));
  EXPECT_EQ(context.connections.size(), 2U) << "for the others there would be no place in the end";
  EXPECT_GE(counters.retries_sent.value(), 6U);
  EXPECT_EQ(context.budget->open(), 0U);
  connected();
  EXPECT_EQ(context.budget->open(), 1U);
}

TEST_F(QuicEndingsTest, ClientWhosePlaceHasGoneDuringItsHandshakeWaitsForAnother) {
  context.budget = std::make_shared<ConnectionBudget>(1);
  H3Client& client = connect();
  client.step();
  loop.turn(EventLoop::Wait::kNever);
  {
    const ConnectionPermit other = ConnectionPermit::request(context.budget);
    ASSERT_TRUE(other);
    pass(2s);
    EXPECT_FALSE(client.closed().has_value());
    EXPECT_GE(counters.refused[static_cast<std::size_t>(ConnectionRefusal::kLimit)].value(), 1U);
  }
  until([&] { return client.connected(); });
  const auto stream = client.get("/");
  until([&] { return client.response(stream).ended; });
  EXPECT_EQ(context.budget->open(), 1U);
}

TEST_F(QuicEndingsTest, ClientThatFindsNoPlaceDuringItsHandshakeIsForgottenInTheEnd) {
  context.budget = std::make_shared<ConnectionBudget>(1);
  connect().step();
  loop.turn(EventLoop::Wait::kNever);
  EXPECT_EQ(context.connections.size(), 1U);
  const ConnectionPermit other = ConnectionPermit::request(context.budget);
  pass(context.policy->connection.handshake_timeout + 1s);
  EXPECT_EQ(context.connections.size(), 0U);
  EXPECT_EQ(counters.handshake_failures[static_cast<std::size_t>(HandshakeFailure::kTimeout)].value(), 1U);
}

TEST_F(QuicEndingsTest, ClientThatGoesDuringItsHandshakeIsExpectedNoMore) {
  context.budget = std::make_shared<ConnectionBudget>(1);
  first_flight("10.0.0.1:2000");
  EXPECT_FALSE(ConnectionBudget::has_room_for_newcomer(context.budget));
  context.connections.close_all();
  loop.turn(EventLoop::Wait::kNever);
  EXPECT_TRUE(ConnectionBudget::has_room_for_newcomer(context.budget));
}

}  // namespace
}  // namespace gatehouse
