// How much one client address may have over QUIC, where anybody can write an address into a packet.
#include <chrono>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "proxy/frontend/client_table.h"
#include "tests/support/quic_case.h"

namespace gatehouse {
namespace {

using namespace std::chrono_literals;
using testing_support::H3Client;
using testing_support::QuicCase;

class QuicAdmissionTest : public QuicCase {
 protected:
  void limit(const ClientLimits& limits) {
    auto table = std::make_shared<ClientTable>();
    table->set_limits(limits);
    context.budget = std::make_shared<ConnectionBudget>(0, std::move(table));
  }
  H3Client& from(const std::string& client) {
    return connect({.clock = clock, .to_server = {}, .local = Address::parse(client).value()});
  }
  std::uint64_t refused(ConnectionRefusal why) const { return counters.refused[static_cast<std::size_t>(why)].value(); }
};

TEST_F(QuicAdmissionTest, BeyondItsConnectionsAClientIsRefusedOnceItHasProvenItsAddress) {
  limit({.connections = 2});
  H3Client& first = from("192.0.2.1:4001");
  H3Client& second = from("192.0.2.1:4002");
  until([&] { return first.connected() && second.connected(); });
  H3Client& third = from("192.0.2.1:4003");
  until([&] { return third.closed().has_value(); });
  EXPECT_EQ(third.closed()->code, 0x02U);
  EXPECT_GE(counters.retries_sent.value(), 1U);
  EXPECT_GE(refused(ConnectionRefusal::kClientConnections), 1U);
  EXPECT_EQ(context.connections.size(), 2U);
  H3Client& other = from("192.0.2.2:4001");
  until([&] { return other.connected(); });
}

TEST_F(QuicAdmissionTest, BeyondItsHandshakesAClientIsRefusedOnceItHasProvenItsAddress) {
  limit({.handshakes = 2, .period = 60s});
  H3Client& first = from("192.0.2.1:4001");
  H3Client& second = from("192.0.2.1:4002");
  until([&] { return first.connected() && second.connected(); });
  H3Client& third = from("192.0.2.1:4003");
  until([&] { return third.closed().has_value(); });
  EXPECT_EQ(third.closed()->code, 0x02U);
  EXPECT_GE(refused(ConnectionRefusal::kClientHandshakes), 1U);
}

// Neither is known to be one too many when it begins.
TEST_F(QuicAdmissionTest, OfTwoThatEndTheirHandshakesTogetherTheOneTooManyIsRefusedAndNoFailure) {
  limit({.handshakes = 1, .period = 60s});
  H3Client& first = from("192.0.2.1:4001");
  H3Client& second = from("192.0.2.1:4002");
  until([&] { return first.closed().has_value() || second.closed().has_value(); });
  EXPECT_NE(first.closed().has_value(), second.closed().has_value());
  EXPECT_EQ(refused(ConnectionRefusal::kClientHandshakes), 1U);
  for (const auto& failures : counters.handshake_failures) EXPECT_EQ(failures.value(), 0U);
}

TEST_F(QuicAdmissionTest, PacketsWithAVictimsAddressUseUpNothingOfIts) {
  limit({.connections = 2, .handshakes = 3, .period = 60s});
  for (int i = 0; i < 50; ++i) {
    H3Client& spoofed = from("192.0.2.1:" + std::to_string(5000 + i));
    spoofed.step();
    loop.turn(EventLoop::Wait::kNever);
  }
  clients.clear();
  H3Client& victim = from("192.0.2.1:4001");
  until([&] { return victim.connected(); });
  EXPECT_EQ(refused(ConnectionRefusal::kClientConnections) + refused(ConnectionRefusal::kClientHandshakes), 0U);
}

TEST_F(QuicAdmissionTest, AConnectionThatEndsGivesItsPlaceBack) {
  limit({.connections = 1});
  H3Client& first = from("192.0.2.1:4001");
  until([&] { return first.connected(); });
  context.connections.close_all();
  pass(1s);
  EXPECT_EQ(context.budget->clients()->known_clients(), 0U);
  H3Client& second = from("192.0.2.1:4002");
  until([&] { return second.connected(); });
}

}  // namespace
}  // namespace gatehouse
