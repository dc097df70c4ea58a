// What the handshakes of clients tell of the way to a QUIC port, and what one is that our own probe begins.
#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "proxy/frontend/quic/quic_group.h"
#include "tests/support/quic_case.h"

namespace gatehouse {
namespace {

using namespace std::chrono_literals;
using testing_support::H3Client;
using testing_support::QuicCase;

class QuicEvidenceTest : public QuicCase {
 protected:
  QuicEvidenceTest() { workers_group = std::make_shared<QuicGroup>(1); }

  // A path that carries small packets and loses the large ones that a handshake needs.
  void to_clients(const UdpDatagram& datagram) override {
    constexpr std::uint8_t kLongHeader = 0x80;
    constexpr std::uint8_t kRetry = kLongHeader | 0x30;
    if (only_retries && (datagram.bytes[0] & kRetry) != kRetry) return;
    QuicCase::to_clients(datagram);
  }
  H3Client& from(const std::string& client, H3Client::Bytes token = {}) {
    return connect(
        {.clock = clock, .to_server = {}, .local = Address::parse(client).value(), .token = std::move(token)});
  }
  std::uint64_t failures() const {
    std::uint64_t sum = 0;
    for (const Counter& each : counters.handshake_failures) sum += each.value();
    return sum;
  }
  void clients_of_a_crowd() {
    for (std::size_t i = 0; i < HandshakeTally::kCrowd; ++i) from("10.0." + std::to_string(i) + ".1:4000");
  }

  bool only_retries = false;
};

TEST_F(QuicEvidenceTest, AProvenCrowdThatNeverGetsThroughIsSeenAndOneThatDoesEndsIt) {
  options.max_half_open = 0;
  policy->connection.handshake_timeout = 5s;
  only_retries = true;
  clients_of_a_crowd();
  until([&] { return failures() == HandshakeTally::kCrowd; });
  EXPECT_TRUE(workers_group->handshakes().only_failures(loop.now()));
  only_retries = false;
  clients.clear();
  H3Client& lucky = from("10.1.0.1:4000");
  until([&] { return lucky.connected(); });
  EXPECT_FALSE(workers_group->handshakes().only_failures(loop.now()));
  EXPECT_EQ(workers_group->handshakes().successes(), 1U);
}

// Anybody can write any address into a packet.
TEST_F(QuicEvidenceTest, ACrowdThatHasProvenNothingIsNotSeen) {
  policy->connection.handshake_timeout = 5s;
  only_retries = true;
  clients_of_a_crowd();
  until([&] { return failures() == HandshakeTally::kCrowd; });
  EXPECT_FALSE(workers_group->handshakes().only_failures(loop.now()));
}

TEST_F(QuicEvidenceTest, WhatWeRefuseByOurOwnRulesTellsNothing) {
  options.max_half_open = 0;
  for (std::size_t i = 0; i < HandshakeTally::kCrowd; ++i) {
    connect({.clock = clock,
             .to_server = {},
             .local = Address::parse("10.0." + std::to_string(i) + ".1:4000").value(),
             .alpn = "h9"});
  }
  until([&] { return failures() == HandshakeTally::kCrowd; });
  EXPECT_FALSE(workers_group->handshakes().only_failures(loop.now()));
}

// It spares the handshake what others must prove, and so must lead no further.
TEST_F(QuicEvidenceTest, WithTheTokenOfAProbeNobodyGetsIn) {
  H3Client& thief = from("10.0.0.1:4000", workers_group->probe_token(clock.wall()));
  until([&] { return thief.closed().has_value(); });
  EXPECT_FALSE(thief.connected());
  EXPECT_EQ(context.connections.size(), 0U);
  EXPECT_EQ(failures(), 0U);
}

TEST_F(QuicEvidenceTest, TheTokenOfAProbeIsGoodForAMinuteAndForItsGroupAlone) {
  options.max_half_open = 0;
  const auto old = workers_group->probe_token(clock.wall());
  pass(61s);
  H3Client& late = from("10.0.0.1:4000", old);
  until([&] { return late.connected(); });
  const std::uint64_t retries = counters.retries_sent.value();  // one for each datagram of a hello
  EXPECT_GT(retries, 0U);
  H3Client& stranger = from("10.0.1.1:4000", QuicGroup(1).probe_token(clock.wall()));
  until([&] { return stranger.connected(); });
  EXPECT_GT(counters.retries_sent.value(), retries);
}

}  // namespace
}  // namespace gatehouse
