#include "proxy/frontend/quic/quic_socket.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "common/event_loop.h"
#include "common/sockets.h"
#include "proxy/frontend/listener_context.h"
#include "proxy/frontend/quic/quic_group.h"
#include "proxy/frontend/quic/quic_id.h"
#include "proxy/frontend/quic/quic_listener.h"
#include "tests/support/quic_case.h"
#include "tests/support/stream_testing.h"

namespace gatehouse {
namespace {

using namespace std::chrono_literals;
using testing_support::H3Client;
using testing_support::turn_until;
using Bytes = std::vector<std::uint8_t>;

UdpPath path_to(const Address& remote, const Address& local) {
  return {
      .local = local.data(), .local_length = local.length(), .remote = remote.data(), .remote_length = remote.length()};
}

Bytes numbered(std::size_t size, std::size_t segment) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(i / segment * 31 + i);
  return bytes;
}

struct Received {
  Bytes bytes;
  std::uint8_t ecn;
  Address local;
  Address remote;
};

// A socket and what has come in on it.
class End {
 public:
  explicit End(EventLoop& loop, const char* address)
      : socket(loop, sockets::bind_udp(Address::parse(address).value()).value(),
               {.datagram =
                    [this](const UdpDatagram& d) {
                      received.push_back({.bytes = {d.bytes.begin(), d.bytes.end()},
                                          .ecn = d.ecn,
                                          .local = Address(d.path.local, d.path.local_length),
                                          .remote = Address(d.path.remote, d.path.remote_length)});
                    },
                .writable = [] {}}) {}

  std::vector<Received> received;
  QuicSocket socket;
};

TEST(QuicSocketTest, TrainArrivesAsItsDatagramsWithMarkAndAddresses) {
  EventLoop loop;
  End a(loop, "127.0.0.1:0");
  End b(loop, "127.0.0.1:0");
  const Bytes train = numbered(40 * 1200 + 17, 1200);
  a.socket.send({.path = path_to(b.socket.local(), a.socket.local()), .ecn = 2, .segment = 1200, .bytes = train});
  turn_until(loop, [&] { return b.received.size() >= 41; });
  ASSERT_EQ(b.received.size(), 41U);
  Bytes joined;
  for (const Received& r : b.received) {
    EXPECT_EQ(r.ecn, 2);
    EXPECT_EQ(r.remote.to_string(), a.socket.local().to_string());
    EXPECT_EQ(r.local.to_string(), b.socket.local().to_string());
    joined.insert(joined.end(), r.bytes.begin(), r.bytes.end());
  }
  EXPECT_EQ(joined, train);
}

TEST(QuicSocketTest, AnswerLeavesFromTheAddressThatWasAsked) {
  EventLoop loop;
  End any(loop, "0.0.0.0:0");
  End client(loop, "127.0.0.1:0");
  const Address asked = [&] {
    Address address = Address::parse("127.0.0.7:1").value();
    address.set_port(any.socket.local().port());
    return address;
  }();
  const Bytes hello = {1, 2, 3};
  client.socket.send({.path = path_to(asked, client.socket.local()), .segment = 3, .bytes = hello});
  turn_until(loop, [&] { return !any.received.empty(); });
  const Received& question = any.received.front();
  EXPECT_EQ(question.local.to_string(), asked.to_string());
  any.socket.send({.path = path_to(question.remote, question.local), .segment = 3, .bytes = hello});
  turn_until(loop, [&] { return !client.received.empty(); });
  EXPECT_EQ(client.received.front().remote.to_string(), asked.to_string());
}

TEST(QuicSocketTest, DualStackSocketSpeaksBothFamilies) {
  EventLoop loop;
  auto dual = sockets::bind_udp(Address::parse(":0").value());
  ASSERT_TRUE(dual.has_value());
  if (Address::local_of(dual->get()).family() != AF_INET6) GTEST_SKIP() << "no IPv6 on this machine";
  std::vector<Received> received;
  QuicSocket socket(loop, std::move(*dual),
                    {.datagram =
                         [&](const UdpDatagram& d) {
                           received.push_back({.bytes = {d.bytes.begin(), d.bytes.end()}, .ecn = d.ecn});
                           socket.send({.path = d.path, .ecn = d.ecn, .segment = d.bytes.size(), .bytes = d.bytes});
                         },
                     .writable = [] {}});
  for (const char* address : {"127.0.0.1:0", "[::1]:0"}) {
    End client(loop, address);
    Address server = Address::parse(address).value();
    server.set_port(socket.local().port());
    const Bytes hello = {7, 8, 9};
    client.socket.send({.path = path_to(server, client.socket.local()), .ecn = 1, .segment = 3, .bytes = hello});
    turn_until(loop, [&] { return !client.received.empty(); });
    EXPECT_EQ(client.received.front().ecn, 1) << address;
    EXPECT_EQ(client.received.front().remote.to_string(), server.to_string());
  }
  EXPECT_EQ(received.size(), 2U);
}

TEST(QuicSocketTest, DatagramTooLargeForThePathIsLostAndTheSocketLivesOn) {
  EventLoop loop;
  End a(loop, "127.0.0.1:0");
  const Address nowhere = Address::parse("127.0.0.1:9").value();
  const Bytes large(QuicSocket::kMaxTrain + 400, 1);
  const UdpTrain one{
      .path = path_to(nowhere, a.socket.local()), .segment = 64'999, .bytes = std::span(large).first(64'999)};
  a.socket.send(one);
  EXPECT_FALSE(a.socket.blocked());
}

TEST(QuicSocketTest, WithoutOffloadDatagramsLeaveOneByOne) {
  EventLoop loop;
  End a(loop, "127.0.0.1:0");
  End b(loop, "127.0.0.1:0");
  const int unchecked = 1;
  ASSERT_EQ(::setsockopt(a.socket.fd(), SOL_SOCKET, SO_NO_CHECK, &unchecked, sizeof unchecked), 0);
  // EINVAL: the offload needs checksums. A device that cannot do it says EIO.
  const Bytes train = numbered(10 * 1200, 1200);
  a.socket.send({.path = path_to(b.socket.local(), a.socket.local()), .segment = 1200, .bytes = train});
  turn_until(loop, [&] { return b.received.size() >= 10; });
  EXPECT_EQ(b.received.size(), 10U);
  EXPECT_FALSE(a.socket.uses_gso());
}

TEST(QuicSocketTest, WhatTheKernelHasNoRoomForIsKeptAndSentLater) {
  EventLoop loop;
  int ends[2] = {-1, -1};
  // A Unix datagram pair fills up where loopback UDP would drop.
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
  const Fd other(ends[1]);
  bool writable = false;
  QuicSocket socket(loop, Fd(ends[0]), {.datagram = [](const UdpDatagram&) {}, .writable = [&] { writable = true; }});
  int sent = 0;
  for (; !socket.blocked() && sent < 10'000; ++sent) {
    const Bytes one = {static_cast<std::uint8_t>(sent), static_cast<std::uint8_t>(sent >> 8)};
    socket.send({.path = {}, .segment = 2, .bytes = one});
  }
  ASSERT_TRUE(socket.blocked());
  int received = 0;
  turn_until(
      loop,
      [&] {
        std::array<std::uint8_t, 16> room{};
        while (::recv(other.get(), room.data(), room.size(), 0) == 2) {
          EXPECT_EQ(room[0] | room[1] << 8, received);
          ++received;
        }
        return received == sent;
      },
      EventLoop::Wait::kNever);
  EXPECT_TRUE(writable);
  EXPECT_FALSE(socket.blocked());
}

// ---- several workers ----

Bytes short_packet(const QuicId& id) {
  Bytes bytes(60, 0x21);
  bytes[0] = 0x40;
  std::copy_n(id.data.begin(), id.size, bytes.begin() + 1);
  return bytes;
}

Bytes long_packet(const QuicId& id) {
  Bytes bytes(1200, 0x21);
  const Bytes head = {0xe0, 0, 0, 0, 1, id.size};
  std::copy(head.begin(), head.end(), bytes.begin());
  std::copy_n(id.data.begin(), id.size, bytes.begin() + 6);
  return bytes;
}

class QuicGroupTest : public ::testing::Test {
 protected:
  static constexpr std::size_t kWorkers = 3;

  void SetUp() override { bind(); }
  void bind() {
    auto bound = QuicGroup::bind(Address::parse("127.0.0.1:0").value(), kWorkers, ids);
    ASSERT_TRUE(bound.has_value()) << bound.error().message;
    binding = std::move(*bound);
    address = Address::local_of(binding.sockets.front().get());
    sender = sockets::bind_udp(Address::parse("127.0.0.1:0").value()).value();
  }
  void send(const Bytes& bytes) {
    ASSERT_EQ(::sendto(sender.get(), bytes.data(), bytes.size(), 0, address.data(), address.length()),
              static_cast<ssize_t>(bytes.size()));
  }
  // Which sockets have something; empties them.
  std::vector<std::size_t> arrivals() {
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < kWorkers; ++i) {
      std::array<std::uint8_t, 2048> room{};
      while (::recv(binding.sockets[i].get(), room.data(), room.size(), MSG_DONTWAIT) > 0) found.push_back(i);
    }
    return found;
  }

  QuicIdLayout ids;
  QuicGroup::Binding binding;
  Address address;
  Fd sender;
};

TEST_F(QuicGroupTest, AllSocketsShareOnePort) {
  for (const Fd& socket : binding.sockets) EXPECT_EQ(Address::local_of(socket.get()).port(), address.port());
}

TEST_F(QuicGroupTest, KernelBringsPacketsToTheWorkerOfTheirId) {
  if (!binding.group->kernel_steers()) GTEST_SKIP() << "this kernel has no filter for groups of sockets";
  for (std::size_t worker = 0; worker < kWorkers; ++worker) {
    for (int i = 0; i < 8; ++i) {
      send(short_packet(ids.make(worker)));
      EXPECT_EQ(arrivals(), std::vector<std::size_t>{worker});
      send(long_packet(ids.make(worker)));
      EXPECT_EQ(arrivals(), std::vector<std::size_t>{worker});
    }
  }
}

TEST_F(QuicGroupTest, KernelFindsTheWorkerBehindAServerIdOfAnyLength) {
  if (!binding.group->kernel_steers()) GTEST_SKIP() << "this kernel has no filter for groups of sockets";
  for (std::size_t size = 1; size <= QuicIdLayout::kMaxServerId; ++size) {
    ids = QuicIdLayout(Bytes(size, 0xa5), 3);
    bind();
    for (std::size_t worker = 0; worker < kWorkers; ++worker) {
      send(short_packet(ids.make(worker)));
      EXPECT_EQ(arrivals(), std::vector<std::size_t>{worker}) << size;
      send(long_packet(ids.make(worker)));
      EXPECT_EQ(arrivals(), std::vector<std::size_t>{worker}) << size;
    }
  }
}

TEST_F(QuicGroupTest, FirstPacketsOfOneClientMeetAtOneWorkerWhateverTheirIds) {
  std::vector<std::size_t> met_at;
  for (int i = 0; i < 16; ++i) {
    const Bytes chosen(static_cast<std::size_t>(8 + i % 12), static_cast<std::uint8_t>(i));
    send(long_packet(QuicId::of(chosen)));
    const auto found = arrivals();
    ASSERT_EQ(found.size(), 1U);
    met_at.push_back(found.front());
  }
  EXPECT_EQ(std::count(met_at.begin(), met_at.end(), met_at.front()), 16);
  send(long_packet(ids.make(200)));  // a worker that there is not
  EXPECT_EQ(arrivals(), std::vector<std::size_t>{met_at.front()});
}

class QuicHandoverTest : public testing_support::QuicCase {};

TEST_F(QuicHandoverTest, WorkerThatDoesNotKeepUpLosesDatagramsAndHoldsABoundedNumber) {
  using enum QuicGroup::Forwarded;
  auto group = std::make_shared<QuicGroup>(2);
  context.policy = policy;
  listener = std::make_unique<QuicListener>(
      context, [](const UdpDatagram&) {}, address,
      QuicListener::Dependencies{.group = group, .worker = 1, .secrets = secrets, .options = options});
  const Address from = Address::parse("127.0.0.1:40000").value();
  const Bytes bytes(1200, 0x40);
  const UdpDatagram datagram{.path = path_to(from, address), .ecn = 0, .bytes = bytes};
  EXPECT_EQ(QuicGroup::forward(group, 0, datagram), kNobodyThere);
  std::size_t taken = 0;
  for (int i = 0; i < 10'000; ++i) {
    if (QuicGroup::forward(group, 1, datagram) == kOnItsWay) ++taken;
  }
  EXPECT_EQ(taken, QuicGroup::kMostUnderWay / bytes.size());
  EXPECT_EQ(QuicGroup::forward(group, 1, datagram), kTooMuch);
  loop.turn(EventLoop::Wait::kNever);
  EXPECT_EQ(counters.datagrams_dropped.value(), taken);  // they have arrived, and are nobody's
  EXPECT_EQ(QuicGroup::forward(group, 1, datagram), kOnItsWay);
  loop.turn(EventLoop::Wait::kNever);
}

TEST_F(QuicHandoverTest, PacketOfAnotherWorkersConnectionIsBroughtToIt) {
  auto group = std::make_shared<QuicGroup>(2);
  context.policy = policy;
  listener = std::make_unique<QuicListener>(
      context, [this](const UdpDatagram& datagram) { to_clients(datagram); }, address,
      QuicListener::Dependencies{.group = group, .worker = 1, .secrets = secrets, .options = options});
  H3Client& client = connected();

  // From now on everything arrives at worker 0, which has a loop and a thread of its own.
  std::atomic<bool> stop = false;
  std::mutex mutex;
  std::vector<Bytes> arriving;
  std::atomic<int> taken = 0;
  std::thread other([&] {
    EventLoop their_loop;
    testing_support::NotingObserver their_observer;
    ExchangeContext their_exchanges{.loop = their_loop, .observer = their_observer, .make_responder = nullptr};
    ListenerCounters their_counters;
    ListenerContext theirs{.loop = their_loop,
                           .exchanges = their_exchanges,
                           .policy = policy,
                           .tls = tls(),
                           .counters = their_counters,
                           .connections = ConnectionList(their_loop)};
    QuicListener worker_zero(
        theirs, [](const UdpDatagram&) { ADD_FAILURE() << "worker 0 has answered for a connection of worker 1"; },
        address, QuicListener::Dependencies{.group = group, .worker = 0, .secrets = secrets, .options = options});
    const Address from = Address::parse("127.0.0.1:40000").value();
    while (!stop) {
      std::vector<Bytes> batch;
      {
        const std::scoped_lock lock(mutex);
        batch.swap(arriving);
      }
      for (const Bytes& bytes : batch) {
        worker_zero.receive({.path = path_to(from, address), .ecn = 0, .bytes = bytes});
        ++taken;
      }
      their_loop.turn(EventLoop::Wait::kNever);
    }
  });

  int given = 0;
  network.reroute = [&](const UdpDatagram& datagram) {
    const std::scoped_lock lock(mutex);
    arriving.emplace_back(datagram.bytes.begin(), datagram.bytes.end());
    ++given;
  };
  const auto stream = client.get("/");
  for (int i = 0; i < 100'000 && !client.response(stream).ended; ++i) {
    settle();
    clock.advance(100us);
  }
  EXPECT_TRUE(client.response(stream).ended);
  EXPECT_GT(given, 0);
  stop = true;
  other.join();
  EXPECT_LE(taken.load(), given);
}

}  // namespace
}  // namespace gatehouse
