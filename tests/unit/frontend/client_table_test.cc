// How much one client address may have of the process.
#include "proxy/frontend/client_table.h"

#include <sys/socket.h>

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/frontend/client_admission.h"
#include "proxy/frontend/tls/tls_contexts.h"
#include "tests/support/tcp_front.h"
#include "tests/support/tls_testing.h"

namespace gatehouse::testing_support {
namespace {

using namespace std::chrono_literals;
using testing::EndsWith;

constexpr MonotonicTime kStart{1h};

ClientTable::Key key(const std::string& host) {
  return ClientTable::key_of(Address::parse(host + ":1").value()).value();
}

TEST(ClientTable, AClientIsAnAddressOrAPrefixOfSixtyFourBits) {
  EXPECT_EQ(key("192.0.2.1"), key("[::ffff:192.0.2.1]"));
  EXPECT_NE(key("192.0.2.1"), key("192.0.2.2"));
  EXPECT_EQ(key("[2001:db8:1:2::1]"), key("[2001:db8:1:2:ffff::9]"));
  EXPECT_NE(key("[2001:db8:1:2::1]"), key("[2001:db8:1:3::1]"));
  EXPECT_FALSE(ClientTable::key_of(Address::parse("unix:/run/x").value()));
}

TEST(ClientTable, ConnectionsAreCountedWhileTheyLastAndForgottenAfterwards) {
  ClientTable table;
  table.set_limits({.connections = 2});
  EXPECT_FALSE(table.enter(1));
  EXPECT_FALSE(table.enter(1));
  EXPECT_EQ(table.enter(1), ConnectionRefusal::kClientConnections);
  EXPECT_TRUE(table.at_a_limit(1, kStart));
  EXPECT_FALSE(table.enter(2));
  EXPECT_EQ(table.known_clients(), 2U);
  table.leave(1);
  EXPECT_FALSE(table.enter(1));
  table.leave(1);
  table.leave(1);
  table.leave(2);
  EXPECT_EQ(table.known_clients(), 0U);
}

TEST(ClientTable, ALimitThatAReloadTakesAwayRefusesNobodyWhoIsOnTheWayIn) {
  ClientTable table;
  table.set_limits({.connections = 1, .handshakes = 1});
  ASSERT_TRUE(table.limits_connections(false) && table.limits_handshakes(false));
  EXPECT_FALSE(table.enter(1));
  EXPECT_FALSE(table.begin_handshake(1, kStart));
  table.set_limits({});
  EXPECT_FALSE(table.enter(1));
  EXPECT_FALSE(table.begin_handshake(1, kStart));
  table.leave(1);
  table.leave(1);
  EXPECT_EQ(table.known_clients(), 0U);
}

TEST(ClientTable, HandshakesHaveABurstAndARate) {
  ClientTable table;
  table.set_limits({.handshakes = 10, .period = 1s});
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(table.begin_handshake(1, kStart)) << i;
  EXPECT_EQ(table.begin_handshake(1, kStart), ConnectionRefusal::kClientHandshakes);
  EXPECT_TRUE(table.at_a_limit(1, kStart));
  EXPECT_FALSE(table.at_a_limit(2, kStart));
  EXPECT_FALSE(table.begin_handshake(2, kStart));
  EXPECT_FALSE(table.begin_handshake(1, kStart + 101ms));
  EXPECT_TRUE(table.begin_handshake(1, kStart + 102ms));
  int granted = 0;
  for (int i = 0; i < 10000; ++i) granted += table.begin_handshake(1, kStart + 10s + i * 1ms) ? 0 : 1;
  EXPECT_NEAR(granted, 110, 1);  // ten seconds of ten, and the burst
}

// However many addresses come, of which the table cannot know all: one that asks for too much is still refused.
TEST(ClientTable, AFloodOfAddressesMakesNobodyForgotten) {
  ClientTable table;
  table.set_limits({.handshakes = 100, .period = 1s});
  int granted = 0;
  for (std::uint64_t i = 0; i < 200'000; ++i) {
    EXPECT_FALSE(table.begin_handshake(1000 + i, kStart));
    if (i % 100 == 0) granted += table.begin_handshake(1, kStart) ? 0 : 1;
  }
  EXPECT_LE(granted, 110);
  EXPECT_EQ(table.known_clients(), 0U);
}

// A listener whose process knows its clients; the tests come from loopback.
class Limited {
 public:
  explicit Limited(const ClientLimits& limits, std::shared_ptr<const TlsContexts> tls = nullptr)
      : front(std::move(tls), budget(limits)) {}

  static std::shared_ptr<ConnectionBudget> budget(const ClientLimits& limits) {
    auto table = std::make_shared<ClientTable>();
    table->set_limits(limits);
    return std::make_shared<ConnectionBudget>(0, std::make_shared<ConnectionBudget>(0, std::move(table)));
  }
  std::uint64_t refused(ConnectionRefusal why) const {
    return front.counters.refused[static_cast<std::size_t>(why)].value();
  }

  Front front;
};

bool was_reset(const Fd& client) {
  char byte = 0;
  return ::recv(client.get(), &byte, 1, MSG_DONTWAIT | MSG_PEEK) < 0 && errno == ECONNRESET;
}

TEST(ClientAdmission, MoreConnectionsThanOneClientMayHaveAreReset) {
  Limited world({.connections = 2});
  Fd first = world.front.connect();
  const Fd second = world.front.connect();
  world.front.until([&] { return world.front.open() == 2; });
  {
    const Fd third = world.front.connect();
    bool reset = false;
    world.front.until([&] { return reset = reset || was_reset(third); });
  }
  EXPECT_EQ(world.refused(ConnectionRefusal::kClientConnections), 1U);
  EXPECT_THAT(ask(world.front, second, get()), EndsWith("hello"));
  first.reset();
  world.front.until([&] { return world.front.open() == 1; });
  const Fd fourth = world.front.connect();
  EXPECT_THAT(ask(world.front, fourth, get()), EndsWith("hello"));
  EXPECT_EQ(world.front.context.budget->clients()->known_clients(), 1U);
}

TEST(ClientAdmission, HandshakesOfOneClientHaveARateOnTlsAlone) {
  const PemPair pem = make_certificate();
  TlsOptions options{.certificates = {Certificate::parse(pem.certificate, pem.private_key, "test").value()}};
  for (const bool secure : {true, false}) {
    Limited world({.handshakes = 3, .period = 1s}, secure ? TlsContexts::make(options).value() : nullptr);
    std::vector<Fd> clients;
    for (int i = 0; i < 5; ++i) clients.push_back(world.front.connect());
    world.front.until([&] { return world.front.open() == (secure ? 3U : 5U); });
    for (int i = 0; i < 5; ++i) world.front.loop.turn(EventLoop::Wait::kNever);
    EXPECT_EQ(world.refused(ConnectionRefusal::kClientHandshakes), secure ? 2U : 0U);
    world.front.clock.advance(1s);
    clients.push_back(world.front.connect());
    world.front.until([&] { return world.front.open() == (secure ? 4U : 6U); });
  }
}

TEST(ClientAdmission, TrustedProxiesAndLoopbackUnlessItIsMeantAreNotCounted) {
  Limited world({.connections = 1});
  const Address client = Address::parse("127.0.0.1:4711").value();
  const Address other = Address::parse("192.0.2.1:4711").value();
  const auto admitted = [&](const Address& who, int times) {
    std::vector<ConnectionPermit> permits(3);
    int count = 0;
    for (int i = 0; i < times; ++i) {
      count += client_admission::admit(world.front.context, who, permits[static_cast<std::size_t>(i)]) ? 1 : 0;
    }
    return count;
  };
  EXPECT_EQ(admitted(client, 3), 1);
  EXPECT_EQ(admitted(Address::parse("unix:/run/x").value(), 3), 3);
  world.front.context.budget->clients()->set_limits({.connections = 1, .spare_connections_of_loopback = true});
  EXPECT_EQ(admitted(client, 3), 3);
  EXPECT_EQ(admitted(other, 3), 1);
  auto policy = std::make_shared<ListenerPolicy>(*world.front.context.policy);
  policy->trusted_proxies = {AddressRange::parse("192.0.2.0/24").value()};
  world.front.context.policy = std::move(policy);
  EXPECT_EQ(admitted(other, 3), 3);
}

}  // namespace
}  // namespace gatehouse::testing_support
