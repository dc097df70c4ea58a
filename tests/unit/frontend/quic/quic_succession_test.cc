// Two listeners of one port: the one that ends and the one that takes its place each bring the other what is its own,
// whichever socket the kernel gives a datagram to.
#include <memory>
#include <utility>

#include <gtest/gtest.h>

#include "tests/support/quic_case.h"

namespace gatehouse {
namespace {

using testing_support::H3Client;
using testing_support::QuicCase;

class QuicSuccessionTest : public QuicCase {
 protected:
  using Others = std::function<bool(const UdpDatagram&)>;

  ~QuicSuccessionTest() override {
    heir.reset();
    loop.turn(EventLoop::Wait::kNever);
  }

  std::unique_ptr<QuicListener> make(ListenerContext& with, Others others) {
    with.policy = policy;
    return std::make_unique<QuicListener>(
        with, [this](const UdpDatagram& datagram) { to_clients(datagram); }, address,
        QuicListener::Dependencies{.secrets = secrets, .options = options, .others = std::move(others)});
  }

  // As a worker does it, with `listener` as the one that ends.
  void listen_as_former() {
    listener = make(context, [this](const UdpDatagram& datagram) {
      if (!heir) return false;
      if (!heir->receive_if_known(datagram)) heir->receive_unknown(datagram);
      return true;
    });
  }
  void succeed() {
    heir = make(heir_context, [this](const UdpDatagram& datagram) { return listener->receive_if_known(datagram); });
    listener->drain();
  }

  void expect_served(H3Client& client) {
    const auto stream = client.get("/");
    until([&] { return client.response(stream).ended; });
    EXPECT_EQ(client.response(stream).body, "hello\n");
    EXPECT_FALSE(client.closed().has_value());
  }
  H3Client& newcomer() {
    return connect({.clock = clock, .to_server = {}, .local = Address::parse("127.0.0.1:40009").value()});
  }

  ListenerCounters heir_counters;
  ListenerContext heir_context{.loop = loop,
                               .exchanges = exchanges,
                               .policy = policy,
                               .tls = tls(),
                               .counters = heir_counters,
                               .connections = ConnectionList(loop)};
  std::unique_ptr<QuicListener> heir;
};

TEST_F(QuicSuccessionTest, ConnectionsOfTheFormerGoOnThoughTheHeirGetsTheirPackets) {
  listen_as_former();
  H3Client& client = connected();
  succeed();
  network.reroute = [this](const UdpDatagram& datagram) { heir->receive(datagram); };
  expect_served(client);
  H3Client& late = newcomer();
  until([&] { return late.connected(); });
  expect_served(late);
  EXPECT_EQ(context.connections.size(), 1U);
  EXPECT_EQ(heir_context.connections.size(), 1U);
  EXPECT_EQ(heir_counters.stateless_resets_sent.value() + counters.stateless_resets_sent.value(), 0U);
}

TEST_F(QuicSuccessionTest, NewClientsAreTheHeirsThoughTheFormerGetsTheirPackets) {
  listen_as_former();
  H3Client& client = connected();
  succeed();
  H3Client& late = newcomer();
  until([&] { return late.connected(); });
  expect_served(late);
  expect_served(client);
  EXPECT_EQ(heir_context.connections.size(), 1U);

  network.reroute = [this](const UdpDatagram& datagram) { heir->receive(datagram); };
  listener->close();
  expect_served(late);
}

TEST_F(QuicSuccessionTest, WithoutAnHeirNewClientsAreRefused) {
  listen_as_former();
  listener->drain();
  H3Client& late = newcomer();
  until([&] { return late.closed().has_value(); });
  EXPECT_EQ(late.closed()->code, 0x02U);
}

}  // namespace
}  // namespace gatehouse
