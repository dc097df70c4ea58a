#include "proxy/frontend/quic/quic_dispatch.h"

#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "proxy/frontend/quic/quic_id.h"
#include "tests/support/quic_case.h"

namespace gatehouse {
namespace {

using namespace std::chrono_literals;
using testing_support::H3Client;
using testing_support::QuicCase;

class QuicDispatchTest : public QuicCase {
 protected:
  using Bytes = std::vector<std::uint8_t>;

  void to_clients(const UdpDatagram& datagram) override {
    sent.emplace_back(datagram.bytes.begin(), datagram.bytes.end());
    QuicCase::to_clients(datagram);
  }

  void arrive(const Bytes& bytes, const std::string& from = "127.0.0.1:50000") {
    if (!listener) listen();
    const Address client = Address::parse(from).value();
    listener->receive({.path = {.local = address.data(),
                                .local_length = address.length(),
                                .remote = client.data(),
                                .remote_length = client.length()},
                       .ecn = 0,
                       .bytes = bytes});
    loop.turn(EventLoop::Wait::kNever);
  }

  // A first packet of `version` that nobody can decrypt: header, ids, and noise.
  static Bytes long_packet(std::uint32_t version, std::size_t size) {
    Bytes bytes(size, 0x5a);
    const Bytes head = {0xc0,
                        static_cast<std::uint8_t>(version >> 24),
                        static_cast<std::uint8_t>(version >> 16),
                        static_cast<std::uint8_t>(version >> 8),
                        static_cast<std::uint8_t>(version),
                        8,
                        1,
                        2,
                        3,
                        4,
                        5,
                        6,
                        7,
                        8,
                        4,
                        9,
                        9,
                        9,
                        9};
    std::copy(head.begin(), head.end(), bytes.begin());
    return bytes;
  }

  static Bytes short_packet(const QuicId& id, std::size_t size) {
    Bytes bytes(size, 0x33);
    bytes[0] = 0x40;
    std::copy_n(id.data.begin(), id.size, bytes.begin() + 1);
    return bytes;
  }

  std::vector<Bytes> sent;
};

TEST_F(QuicDispatchTest, UnknownVersionGetsOneVersionNegotiationAndNoState) {
  arrive(long_packet(0x1a2b3c4d, 1200));
  ASSERT_EQ(sent.size(), 1U);
  const Bytes& reply = sent[0];
  ASSERT_GE(reply.size(), 5U);
  EXPECT_EQ((Bytes{reply[1], reply[2], reply[3], reply[4]}), (Bytes{0, 0, 0, 0}));
  EXPECT_EQ(reply[5], 4);  // our client's id comes back as the destination
  EXPECT_EQ(reply[10], 8);
  const Bytes versions(reply.end() - 12, reply.end());
  EXPECT_EQ((Bytes{versions.begin(), versions.begin() + 8}), (Bytes{0, 0, 0, 1, 0x6b, 0x33, 0x43, 0xcf}));
  for (std::size_t i = 8; i < 12; ++i) EXPECT_EQ(versions[i] & 0x0f, 0x0a);
  EXPECT_EQ(context.connections.size(), 0U);
}

TEST_F(QuicDispatchTest, AReloadChangesTheCongestionControlOfNewConnections) {
  QuicSocket socket(loop, [](const UdpDatagram&) {}, address, {});
  context.policy = policy;
  QuicDispatch dispatch(context, socket, {.group = nullptr, .worker = 0, .secrets = secrets, .options = options});
  dispatch.use(CongestionControl::kBbr);
  EXPECT_EQ(dispatch.environment().options.congestion_control, CongestionControl::kBbr);
}

TEST_F(QuicDispatchTest, SmallPacketsOfUnknownVersionsAreNotAnswered) {
  arrive(long_packet(0x1a2b3c4d, 1199));
  arrive(long_packet(0, 1200));  // a Version Negotiation packet: servers get none
  EXPECT_TRUE(sent.empty());
}

TEST_F(QuicDispatchTest, SmallInitialAndReflectorPortsAreIgnored) {
  arrive(long_packet(1, 1199));
  arrive(long_packet(0x1a2b3c4d, 1200), "127.0.0.1:53");
  EXPECT_TRUE(sent.empty());
  EXPECT_EQ(context.connections.size(), 0U);
  EXPECT_EQ(counters.datagrams_dropped.value(), 2U);
}

TEST_F(QuicDispatchTest, RubbishOfAnySizeIsDropped) {
  for (std::size_t size = 1; size < 1300; size += 7) {
    arrive(Bytes(size, 0xff));
    arrive(Bytes(size, 0x00));
    arrive(Bytes(size, 0x80));
  }
  EXPECT_EQ(context.connections.size(), 0U);
}

TEST_F(QuicDispatchTest, CrowdOfHalfOpenConnectionsMakesNewcomersProveTheirAddress) {
  options.max_half_open = 4;
  for (int i = 0; i < 4; ++i) {
    H3Client& silent = connect(
        {.clock = clock, .to_server = {}, .local = Address::parse("10.0." + std::to_string(i) + ".1:4000").value()});
    silent.step();
    loop.turn(EventLoop::Wait::kNever);
  }
  clients.clear();
  EXPECT_EQ(context.connections.size(), 4U);
  H3Client& client = connect();
  until([&] { return client.connected(); });
  // A hello with a hybrid key share takes two datagrams, and each of them is told to come back.
  const auto retries = counters.retries_sent.value();
  EXPECT_GE(retries, 1U);
  EXPECT_EQ(context.connections.size(), 5U);
  // A client that was here before has its token, and needs no second round trip even in the crowd.
  until([&] { return !client.tokens().empty(); });
  H3Client& again = connect({.clock = clock,
                             .to_server = {},
                             .local = Address::parse("127.0.0.1:40003").value(),
                             .token = client.tokens().front()});
  until([&] { return again.connected(); });
  EXPECT_EQ(counters.retries_sent.value(), retries);
}

TEST_F(QuicDispatchTest, OnePrefixAloneCannotCrowdOutOthers) {
  for (int i = 0; i < 9; ++i) {
    H3Client& silent = connect({.clock = clock,
                                .to_server = {},
                                .local = Address::parse("10.0.0." + std::to_string(i + 1) + ":4000").value()});
    silent.step();
    loop.turn(EventLoop::Wait::kNever);
  }
  const auto retries = counters.retries_sent.value();
  EXPECT_GE(retries, 1U);
  EXPECT_EQ(context.connections.size(), 8U);
  clients.clear();
  H3Client& client = connect();
  until([&] { return client.connected(); });
  EXPECT_EQ(counters.retries_sent.value(), retries);
}

TEST_F(QuicDispatchTest, TokenOfAnotherAddressIsAsGoodAsNone) {
  H3Client& client = connected();
  until([&] { return !client.tokens().empty(); });
  options.max_half_open = 0;
  listener.reset();
  listen();
  H3Client& thief = connect({.clock = clock,
                             .to_server = {},
                             .local = Address::parse("10.9.9.9:40003").value(),
                             .token = client.tokens().front()});
  until([&] { return thief.connected(); });
  EXPECT_GE(counters.retries_sent.value(), 1U);
}

TEST_F(QuicDispatchTest, StaleRetryTokenIsAnsweredWithInvalidToken) {
  listen();
  const QuicTokens tokens(secrets);
  const Address client = Address::parse("127.0.0.1:40000").value();
  ngtcp2_cid id;
  ngtcp2_cid_init(&id, reinterpret_cast<const std::uint8_t*>("0123456789ab"), 12);
  const auto token = tokens.retry_token({.remote = client.data(), .remote_length = client.length()},
                                        {.version = 1, .retry_scid = &id, .original_dcid = &id}, clock.wall() - 20s);
  H3Client& late = connect({.clock = clock, .to_server = {}, .token = token});
  until([&] { return late.closed().has_value(); });
  EXPECT_EQ(late.closed()->code, 0x0bU);
  EXPECT_EQ(context.connections.size(), 0U);
}

TEST_F(QuicDispatchTest, ConnectionOfTheProcessBeforeIsEndedByItsResetToken) {
  H3Client& client = connected();
  network.cut = true;
  listener.reset();
  network.cut = false;
  listen();  // the same secrets, none of the connections
  client.get("/");
  until([&] { return client.closed().has_value(); });
  EXPECT_EQ(client.closed()->code, H3Client::kResetCode);
  EXPECT_GE(counters.stateless_resets_sent.value(), 1U);
}

TEST_F(QuicDispatchTest, AnotherListenerDoesNotTellByWhatTokenAConnectionIsReset) {
  H3Client& client = connected();
  const auto id = QuicId::of(client.destination_id());
  std::vector<Bytes> told;
  const Address elsewhere = Address::parse("127.0.0.1:5544").value();
  QuicListener neighbour(
      context, [&](const UdpDatagram& datagram) { told.emplace_back(datagram.bytes.begin(), datagram.bytes.end()); },
      elsewhere, {.group = nullptr, .worker = 0, .secrets = secrets, .options = options});
  const Bytes probe = short_packet(id, 100);
  const Address stranger = Address::parse("10.6.6.6:6666").value();
  neighbour.receive({.path = {.local = elsewhere.data(),
                              .local_length = elsewhere.length(),
                              .remote = stranger.data(),
                              .remote_length = stranger.length()},
                     .ecn = 0,
                     .bytes = probe});
  ASSERT_EQ(told.size(), 1U);  // it does not know the connection; and the token that it tells is worth nothing
  const Address home = Address::parse("127.0.0.1:40000").value();
  client.receive({.path = {.local = address.data(),
                           .local_length = address.length(),
                           .remote = home.data(),
                           .remote_length = home.length()},
                  .ecn = 0,
                  .bytes = told[0]});
  settle();
  EXPECT_FALSE(client.closed().has_value());
  const auto stream = client.get("/");
  until([&] { return client.response(stream).ended; });
}

TEST_F(QuicDispatchTest, ResetIsSmallerThanItsCauseAndNeverForSmallOrForeignPackets) {
  arrive(short_packet(QuicIdLayout().make(0), 42));
  arrive(Bytes(100, 0x40));
  EXPECT_TRUE(sent.empty());
  arrive(short_packet(QuicIdLayout().make(0), 43));
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_LT(sent[0].size(), 43U);
}

class QuicServerIdTest : public QuicDispatchTest {
 protected:
  QuicServerIdTest() { options.ids = QuicIdLayout(kServer, 2); }

  static constexpr std::array<std::uint8_t, 13> kServer{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13};
};

TEST_F(QuicServerIdTest, PacketOfAnotherMachineIsNotReset) {
  auto neighbour = kServer;
  neighbour.back() ^= 1;
  arrive(short_packet(QuicIdLayout(neighbour, 2).make(0), 100));
  EXPECT_TRUE(sent.empty());
  arrive(short_packet(QuicIdLayout(kServer, 2).make(0), 100));
  EXPECT_EQ(sent.size(), 1U);
}

TEST_F(QuicServerIdTest, ConnectionsLiveOnIdsOfAnotherLength) {
  H3Client& client = connected();
  EXPECT_FALSE(client.closed().has_value());
}

TEST_F(QuicDispatchTest, FloodOfUnknownPacketsGetsFewResets) {
  for (int i = 0; i < 5000; ++i) arrive(short_packet(QuicIdLayout().make(0), 100));
  EXPECT_LE(sent.size(), 5000U / 5);
  EXPECT_GT(sent.size(), 0U);
}

TEST_F(QuicDispatchTest, DrainingListenerRefusesNewcomersAndServesTheOthers) {
  H3Client& client = connected();
  listener->drain();
  H3Client& late = connect({.clock = clock, .to_server = {}, .local = Address::parse("127.0.0.1:40009").value()});
  until([&] { return late.closed().has_value(); });
  EXPECT_EQ(late.closed()->code, 0x02U);
  const auto stream = client.get("/");
  until([&] { return client.response(stream).ended; });
}

TEST_F(QuicDispatchTest, AtTheLimitWhoIsIdleMakesRoomForAClientThatHasProvenItsAddress) {
  context.budget = std::make_shared<ConnectionBudget>(1);
  H3Client& first = connected();
  const auto asked = first.get("/");
  until([&] { return first.response(asked).ended; });
  pass(ConnectionList::kQuiet);
  H3Client& late = connect({.clock = clock, .to_server = {}, .local = Address::parse("127.0.0.1:40009").value()});
  until([&] { return late.connected(); });
  EXPECT_GE(counters.retries_sent.value(), 1U);
  EXPECT_GE(counters.refused[static_cast<std::size_t>(ConnectionRefusal::kLimit)].value(), 1U);
  EXPECT_EQ(counters.evicted_idle.value(), 1U);
  EXPECT_TRUE(first.closed().has_value());
  EXPECT_EQ(context.budget->open(), 1U);
}

TEST_F(QuicDispatchTest, AtTheLimitNobodyGoesForAnAddressThatIsNotProven) {
  context.budget = std::make_shared<ConnectionBudget>(1);
  H3Client& first = connected();
  const auto asked = first.get("/");
  until([&] { return first.response(asked).ended; });
  pass(ConnectionList::kQuiet);
  for (int i = 0; i < 20; ++i) {
    H3Client& spoofed = connect(
        {.clock = clock, .to_server = {}, .local = Address::parse("10.0." + std::to_string(i) + ".1:4000").value()});
    spoofed.step();
    loop.turn(EventLoop::Wait::kNever);
  }
  EXPECT_FALSE(first.closed().has_value());
  EXPECT_EQ(counters.evicted_idle.value(), 0U);
  EXPECT_GE(counters.retries_sent.value(), 20U);
}

TEST_F(QuicDispatchTest, AtTheLimitWhoComesAtOnceWaitsBeforeTheHandshakeAndIsServed) {
  context.budget = std::make_shared<ConnectionBudget>(2);
  std::vector<std::pair<H3Client*, std::optional<std::int64_t>>> crowd;
  for (int i = 0; i < 6; ++i) {
    const Address local = Address::parse("10.0." + std::to_string(i) + ".1:4000").value();
    crowd.emplace_back(&connect({.clock = clock, .to_server = {}, .local = local}), std::nullopt);
  }
  until([&] {
    std::size_t served = 0;
    for (auto& [client, asked] : crowd) {
      if (client->connected() && !asked) asked = client->get("/");
      if (asked && client->response(*asked).ended) ++served;
    }
    return served == crowd.size();
  });
  EXPECT_LE(context.budget->open(), 2U);
  constexpr std::size_t kTls13 = 1;
  EXPECT_EQ(counters.handshakes[kTls13][static_cast<std::size_t>(Protocol::kH3)][0].value(), crowd.size());
}

// Nobody is idle, for the request is answered only in the end: then that answer ends the connection.
TEST_F(QuicDispatchTest, AtTheLimitWhoIsServedStaysUntilItsAnswer) {
  context.budget = std::make_shared<ConnectionBudget>(1);
  Exchange* running = nullptr;
  script = [&running](Exchange& exchange) { running = &exchange; };
  H3Client& first = connected();
  const auto stream = first.get("/");
  until([&] { return running != nullptr; });
  H3Client& late = connect({.clock = clock, .to_server = {}, .local = Address::parse("127.0.0.1:40009").value()});
  pass(5s);
  EXPECT_FALSE(first.closed().has_value());
  EXPECT_FALSE(late.connected());
  EXPECT_EQ(counters.evicted_idle.value() + counters.evicted_unfinished.value(), 0U);
  running->respond({}, "hello\n");
  until([&] { return late.connected(); });
  EXPECT_EQ(first.response(stream).body, "hello\n");
}

}  // namespace
}  // namespace gatehouse
