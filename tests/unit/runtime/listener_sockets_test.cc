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
