// Sockets are bound as a whole or not at all, and what is bound already is not bound again.
#include "proxy/runtime/listener_sockets.h"

#include <sys/resource.h>
#include <sys/socket.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "common/sockets.h"
#include "tests/support/no_descriptors.h"
#include "tests/support/temporary_folder.h"

namespace gatehouse {
namespace {

using testing_support::TemporaryFolder;

const InheritedSockets kNone;

ListenerSnapshot listener(const std::string& address, bool h3 = false) {
  ListenerSnapshot snapshot;
  snapshot.name = address;
  snapshot.address = *Address::parse(address);
  snapshot.speaks_h1 = true;
  snapshot.speaks_h3 = h3;
  return snapshot;
}

Snapshot snapshot_of(std::vector<ListenerSnapshot> listeners) {
  Snapshot snapshot;
  snapshot.listeners = std::move(listeners);
  return snapshot;
}

TEST(ListenerSocketsTest, EveryWorkerGetsASocketOnTheSamePortForTcpAndUdp) {
  ListenerSockets sockets(3, kNone);
  const Snapshot snapshot = snapshot_of({listener("127.0.0.1:0", true)});
  const auto plan = sockets.bind(snapshot);
  ASSERT_TRUE(plan) << plan.error().message;
  const BoundListener bound = plan->listeners.at("127.0.0.1:0");
  EXPECT_NE(bound.port, 0);
  EXPECT_TRUE(bound.tcp && bound.quic);
  EXPECT_TRUE(plan->warnings.empty());
  ASSERT_EQ(plan->sockets.size(), 3U);
  for (const auto& mine : plan->sockets) {
    ASSERT_EQ(mine.size(), 2U);
    for (const WorkerSocket& socket : mine) EXPECT_EQ(Address::local_of(socket.socket.get()).port(), bound.port);
    EXPECT_EQ(mine[0].group, nullptr);
    EXPECT_NE(mine[1].group, nullptr);
  }
}

TEST(ListenerSocketsTest, WhatIsBoundIsNotBoundAgain) {
  ListenerSockets sockets(1, kNone);
  const Snapshot first = snapshot_of({listener("127.0.0.1:0")});
  auto plan = sockets.bind(first);
  ASSERT_TRUE(plan);
  sockets.commit(first, *plan);
  const auto again = sockets.bind(snapshot_of({listener("127.0.0.1:0"), listener("127.0.0.1:00")}));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->listeners.at("127.0.0.1:0").port, plan->listeners.at("127.0.0.1:0").port);
  ASSERT_EQ(again->sockets[0].size(), 1U) << "for the new one only";
  EXPECT_EQ(again->sockets[0][0].listener, "127.0.0.1:00");
}

TEST(ListenerSocketsTest, APortInUseFailsTheWholePlan) {
  const auto taken = sockets::listen(*Address::parse("127.0.0.1:0"));
  ASSERT_TRUE(taken);
  const std::string address = Address::local_of(taken->get()).to_string();
  ListenerSockets sockets(2, kNone);
  const auto plan = sockets.bind(snapshot_of({listener("127.0.0.1:0"), listener(address)}));
  ASSERT_FALSE(plan) << "though SO_REUSEPORT would let us share it";
  EXPECT_NE(plan.error().message.find(address), std::string::npos);
}

// A port that is free on all addresses.
std::string free_port() {
  const auto probe = sockets::listen(*Address::parse(":0"), {.reuse_port = false});
  return std::to_string(Address::local_of(probe->get()).port());
}

TEST(ListenerSocketsTest, AListenerIsBoundBesideTheOneWhosePlaceItTakes) {
  const std::string port = free_port();
  const std::string narrow = "127.0.0.1:" + port;
  for (const std::string& wide : {":" + port, "0.0.0.0:" + port}) {
    for (const auto& [from, to] : {std::pair(narrow, wide), std::pair(wide, narrow)}) {
      ListenerSockets sockets(2, kNone);
      const Snapshot before = snapshot_of({listener(from, true)});
      auto first = sockets.bind(before);
      ASSERT_TRUE(first) << first.error().message;
      sockets.commit(before, *first);
      const auto second = sockets.bind(snapshot_of({listener(to, true)}));
      ASSERT_TRUE(second) << from << " to " << to << ": " << second.error().message;
      ASSERT_EQ(second->sockets[1].size(), 2U);
      EXPECT_TRUE(second->listeners.at(to).quic);
      const auto neither = sockets.bind(snapshot_of({listener(from), listener(to)}));
      EXPECT_FALSE(neither) << "while " << from << " stays";
    }
  }
}

TEST(ListenerSocketsTest, SocketsThatWereHandedOnAreNotBoundAgain) {
  const std::string port = free_port();
  const std::string narrow = "127.0.0.1:" + port;
  const std::string wide = ":" + port;
  const auto inherited = [](const ListenerSockets::Plan& plan, const std::string& name) {
    std::vector<std::string> all;
    for (const Address& address : plan.listeners.at(name).inherited) all.push_back(address.to_string());
    return all;
  };
  ListenerSockets sockets(1, kNone);
  // What the worker holds: it hands the sockets of the narrow one on.
  std::vector<ListenerSockets::Plan> held;
  for (int round = 0; round < 3; ++round) {
    const Snapshot narrowed = snapshot_of({listener(narrow)});
    auto plan = sockets.bind(narrowed);
    ASSERT_TRUE(plan) << plan.error().message;
    EXPECT_EQ(plan->sockets[0].size(), round == 0 ? 1U : 0U);
    EXPECT_TRUE(plan->listeners.at(narrow).tcp);
    EXPECT_EQ(inherited(*plan, narrow), std::vector<std::string>());
    sockets.commit(narrowed, *plan);
    held.push_back(*std::move(plan));

    const Snapshot widened = snapshot_of({listener(wide)});
    auto wider = sockets.bind(widened);
    ASSERT_TRUE(wider) << wider.error().message;
    EXPECT_EQ(wider->sockets[0].size(), 1U);
    EXPECT_EQ(inherited(*wider, wide), std::vector<std::string>{narrow});
    sockets.commit(widened, *wider);
  }
}

TEST(ListenerSocketsTest, APlanThatFailsBindsNothingBesideWhatIsThere) {
  const std::string port = free_port();
  const auto taken = sockets::listen(*Address::parse("127.0.0.1:0"));
  ASSERT_TRUE(taken);
  ListenerSockets sockets(1, kNone);
  const Snapshot before = snapshot_of({listener("127.0.0.1:" + port)});
  auto first = sockets.bind(before);
  ASSERT_TRUE(first) << first.error().message;
  sockets.commit(before, *first);
  EXPECT_FALSE(
      sockets.bind(snapshot_of({listener(":" + port), listener(Address::local_of(taken->get()).to_string())})));
  const Fd client(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const Address other = *Address::parse("127.0.0.2:" + port);
  EXPECT_NE(connect(client.get(), other.data(), other.length()), 0) << "nobody listens beyond 127.0.0.1";
}

TEST(ListenerSocketsTest, WithoutUdpTheListenerStillServesOverTcp) {
  // A port that no other test has over TCP either.
  auto tcp = sockets::listen(*Address::parse("127.0.0.1:0"));
  ASSERT_TRUE(tcp);
  Address address = Address::local_of(tcp->get());
  const auto udp = sockets::bind_udp(address);
  ASSERT_TRUE(udp);
  tcp->reset();
  // A UDP socket that does not share its port stands for whatever keeps UDP from us.
  const int off = 0;
  const Fd blocker(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(setsockopt(udp->get(), SOL_SOCKET, SO_REUSEPORT, &off, sizeof off), 0);
  ListenerSockets sockets(1, kNone);
  const Snapshot snapshot = snapshot_of({listener(address.to_string(), true)});
  const auto plan = sockets.bind(snapshot);
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_EQ(plan->warnings.size(), 1U);
  EXPECT_TRUE(plan->listeners.at(address.to_string()).tcp);
  EXPECT_FALSE(plan->listeners.at(address.to_string()).quic);
  EXPECT_EQ(plan->sockets[0].size(), 1U);
}

TEST(ListenerSocketsTest, AUnixSocketIsSharedByTheWorkersAndRemovedWithItsListener) {
  const TemporaryFolder folder;
  const std::string path = (folder.path() / "front.sock").string();
  ListenerSockets sockets(2, kNone);
  const Snapshot with = snapshot_of({listener("unix:" + path)});
  auto plan = sockets.bind(with);
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_EQ(plan->sockets[0].size() + plan->sockets[1].size(), 2U);
  sockets.commit(with, *plan);
  EXPECT_TRUE(std::filesystem::exists(path));
  const Snapshot without = snapshot_of({});
  auto nothing = sockets.bind(without);
  sockets.commit(without, *nothing);
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(ListenerSocketsTest, AFailedPlanLeavesNoSocketFile) {
  const TemporaryFolder folder;
  const std::string path = (folder.path() / "front.sock").string();
  const auto taken = sockets::listen(*Address::parse("127.0.0.1:0"));
  ASSERT_TRUE(taken);
  const ListenerSockets sockets(1, kNone);
  const auto plan =
      sockets.bind(snapshot_of({listener("unix:" + path), listener(Address::local_of(taken->get()).to_string())}));
  EXPECT_FALSE(plan);
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(ListenerSocketsTest, APlanThatIsNotCommittedLeavesNoSocketFile) {
  const TemporaryFolder folder;
  const std::string path = (folder.path() / "front.sock").string();
  const ListenerSockets sockets(1, kNone);
  {
    const auto plan = sockets.bind(snapshot_of({listener("unix:" + path)}));
    ASSERT_TRUE(plan) << plan.error().message;
    EXPECT_TRUE(std::filesystem::exists(path));
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(ListenerSocketsTest, ASocketThatCannotBeSharedLeavesNoSocketFile) {
  if (!testing_support::kDescriptorsMayRunOut) GTEST_SKIP();
  const TemporaryFolder folder;
  const std::string path = (folder.path() / "front.sock").string();
  const ListenerSockets sockets(1, kNone);
  const Snapshot snapshot = snapshot_of({listener("unix:" + path)});
  const auto next = static_cast<rlim_t>(Fd(dup(STDOUT_FILENO)).get());
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  const rlimit room_for_one{.rlim_cur = next + 1, .rlim_max = limit.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &room_for_one), 0);
  const auto plan = sockets.bind(snapshot);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  ASSERT_FALSE(plan);
  EXPECT_TRUE(plan.error().message.starts_with("cannot share the socket ")) << plan.error().message;
  EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace gatehouse
