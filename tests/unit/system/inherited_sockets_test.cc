// Sockets that were handed over: what is taken, whom they serve, and how few or many of them make a QUIC group.
#include "proxy/system/inherited_sockets.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/sockets.h"
#include "proxy/frontend/quic/quic_group.h"
#include "proxy/runtime/listener_sockets.h"

namespace gatehouse {
namespace {

using Kind = InheritedSockets::Kind;
using testing::ElementsAre;

constexpr int kFirst = 700;  // out of the way of what the test program has open

// Hands its sockets over to this process as systemd would.
class Hand {
 public:
  explicit Hand(const std::vector<int>& sockets, std::string pid = std::to_string(getpid())) {
    int to = kFirst;
    for (const int socket : sockets) dup2(socket, to++);
    setenv("LISTEN_FDS", std::to_string(sockets.size()).c_str(), 1);
    setenv("LISTEN_PID", pid.c_str(), 1);
    setenv("LISTEN_FDNAMES", "web", 1);
  }
};

Fd bound(const char* address) {
  return sockets::listen(*Address::parse(address), {.reuse_port = false}).value();
}

Address address_of(const Fd& socket) {
  return Address::local_of(socket.get());
}

TEST(InheritedSocketsTest, AreTakenByAddressAndKindAndNothingOfItIsPassedOn) {
  const Fd tcp = bound("127.0.0.1:0");
  const Fd udp = sockets::bind_udp(*Address::parse("127.0.0.1:0")).value();
  const Hand hand({tcp.get(), udp.get()});
  const InheritedSockets inherited = InheritedSockets::take(kFirst);
  for (const char* name : {"LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"}) EXPECT_EQ(std::getenv(name), nullptr);
  for (const int fd : {kFirst, kFirst + 1}) {
    EXPECT_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
    EXPECT_NE(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
  }
  EXPECT_TRUE(inherited.has(address_of(tcp), Kind::kStream));
  EXPECT_FALSE(inherited.has(address_of(tcp), Kind::kDatagram));
  EXPECT_TRUE(inherited.has(address_of(udp), Kind::kDatagram));
  const auto copies = inherited.copies(address_of(tcp), Kind::kStream);
  ASSERT_EQ(copies.size(), 1U);
  EXPECT_EQ(fcntl(copies[0].get(), F_GETFD), FD_CLOEXEC);
  EXPECT_EQ(inherited.copies(address_of(tcp), Kind::kStream).size(), 1U) << "as often as it is wanted";
}

TEST(InheritedSocketsTest, ForAnotherProcessAreLeftAlone) {
  const Fd tcp = bound("127.0.0.1:0");
  const Hand hand({tcp.get()}, "1");
  EXPECT_TRUE(InheritedSockets::take(kFirst).empty());
  EXPECT_EQ(fcntl(kFirst, F_GETFD), 0) << "not even touched";
  close(kFirst);
}

TEST(InheritedSocketsTest, WhatIsNoListeningSocketIsNotTaken) {
  const Fd file(open("/dev/null", O_RDONLY | O_CLOEXEC));
  const Fd tcp = bound("127.0.0.1:0");
  const Fd connection = sockets::connect(address_of(tcp)).value();
  const Hand hand({file.get(), connection.get()});
  EXPECT_TRUE(InheritedSockets::take(kFirst).empty());
  close(kFirst);
  close(kFirst + 1);
}

TEST(InheritedSocketsTest, OneForEveryV4AddressServesAListenerForEveryAddress) {
  const Fd tcp = bound("0.0.0.0:0");
  const Hand hand({tcp.get()});
  const InheritedSockets inherited = InheritedSockets::take(kFirst);
  const std::string port = std::to_string(address_of(tcp).port());
  EXPECT_TRUE(inherited.has(*Address::parse(":" + port), Kind::kStream));
  EXPECT_FALSE(inherited.has(*Address::parse("[::1]:" + port), Kind::kStream));
  EXPECT_FALSE(inherited.has(*Address::parse("127.0.0.1:" + port), Kind::kStream));
}

TEST(InheritedSocketsTest, TellsWhichNobodyWants) {
  const Fd tcp = bound("127.0.0.1:0");
  const Fd udp = sockets::bind_udp(address_of(tcp)).value();
  const Hand hand({tcp.get(), udp.get()});
  const InheritedSockets inherited = InheritedSockets::take(kFirst);
  const Address address = address_of(tcp);
  EXPECT_THAT(inherited.unwanted_by({{.address = address, .kind = Kind::kStream}}),
              ElementsAre("udp " + address.to_string()));
  EXPECT_EQ(inherited.unwanted_by({}).size(), 2U);
}

TEST(InheritedSocketsTest, EveryWorkerAcceptsFromTheOneSocket) {
  const Fd tcp = bound("127.0.0.1:0");
  const Hand hand({tcp.get()});
  const InheritedSockets inherited = InheritedSockets::take(kFirst);
  Snapshot snapshot;
  ListenerSnapshot& listener = snapshot.listeners.emplace_back();
  listener.address = address_of(tcp);
  listener.name = listener.address.to_string();
  listener.speaks_h1 = true;
  ListenerSockets sockets(3, inherited);
  const auto plan = sockets.bind(snapshot);
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_EQ(plan->listeners.at(listener.name).port, listener.address.port());
  for (const auto& mine : plan->sockets) {
    ASSERT_EQ(mine.size(), 1U);
    EXPECT_EQ(address_of(mine[0].socket), listener.address);
  }
}

std::vector<std::size_t> readers_of(const QuicGroup& group) {
  std::vector<std::size_t> readers;
  for (std::size_t i = 0; i < group.workers(); ++i) {
    if (group.reads(i)) readers.push_back(i);
  }
  return readers;
}

std::vector<Fd> one(Fd socket) {
  std::vector<Fd> all;
  all.push_back(std::move(socket));
  return all;
}

TEST(QuicGroupAdoption, ASocketThatSharesItsPortGetsCompanyForEachWorker) {
  auto binding = QuicGroup::adopt(one(sockets::bind_udp(*Address::parse("127.0.0.1:0")).value()), 3, {});
  ASSERT_TRUE(binding);
  EXPECT_THAT(readers_of(*binding->group), ElementsAre(0, 1, 2));
  EXPECT_EQ(binding->group->worker_for(std::vector<std::uint8_t>(8, 7)), std::nullopt) << "the kernel chooses";
  for (const Fd& socket : binding->sockets) EXPECT_EQ(address_of(socket), address_of(binding->sockets[0]));
}

TEST(QuicGroupAdoption, WithOneSocketOfItsOwnPortTheFirstWorkerReadsForAllAndNewClientsAreSpread) {
  Fd alone(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const Address any = *Address::parse("127.0.0.1:0");
  ASSERT_EQ(bind(alone.get(), any.data(), any.length()), 0);
  auto binding = QuicGroup::adopt(one(std::move(alone)), 3, {});
  ASSERT_TRUE(binding);
  EXPECT_THAT(readers_of(*binding->group), ElementsAre(0));
  EXPECT_EQ(binding->sockets.size(), 3U);
  std::map<std::size_t, int> shares;
  for (std::uint8_t i = 0; i < 120; ++i) {
    const std::vector<std::uint8_t> id{i, 1, 2, 3, 4, 5, 6, 7};
    const auto worker = binding->group->worker_for(id);
    ASSERT_TRUE(worker);
    EXPECT_EQ(binding->group->worker_for(id), worker) << "always the same";
    ++shares[*worker];
  }
  ASSERT_EQ(shares.size(), 3U);
  for (const auto& [worker, share] : shares) EXPECT_GT(share, 15) << worker;
}

// Which of `sockets` gets the datagram.
std::size_t receiver_of(const std::vector<Fd>& sockets, const std::vector<std::uint8_t>& datagram, const Fd& from) {
  const Address to = address_of(sockets[0]);
  EXPECT_GT(sendto(from.get(), datagram.data(), datagram.size(), 0, to.data(), to.length()), 0);
  for (std::size_t i = 0; i < sockets.size(); ++i) {
    char byte = 0;
    if (recv(sockets[i].get(), &byte, 1, MSG_DONTWAIT | MSG_TRUNC) > 0) return i;
  }
  return sockets.size();
}

TEST(QuicGroupAdoption, OfMoreSocketsThanWorkersTheSurplusGetsNothing) {
  std::vector<Fd> given;
  std::vector<Fd> kept;  // as systemd keeps them
  Address address = *Address::parse("127.0.0.1:0");
  for (int i = 0; i < 5; ++i) {
    given.push_back(sockets::bind_udp(address).value());
    address = address_of(given.front());
    kept.emplace_back(fcntl(given.back().get(), F_DUPFD_CLOEXEC, 0));
  }
  auto binding = QuicGroup::adopt(std::move(given), 2, {});
  ASSERT_TRUE(binding);
  ASSERT_TRUE(binding->group->kernel_steers());
  EXPECT_EQ(binding->sockets.size(), 2U);
  std::map<std::size_t, int> seen;
  for (std::uint8_t i = 0; i < 60; ++i) {
    const Fd client = sockets::bind_udp(*Address::parse("127.0.0.1:0")).value();
    std::vector<std::uint8_t> initial(1200, i);
    initial[0] = 0xc0;
    ++seen[receiver_of(kept, initial, client)];
    initial[0] = 0x40;
    ++seen[receiver_of(kept, initial, client)];
  }
  EXPECT_EQ(seen[0] + seen[1], 120);
  EXPECT_GT(seen[0], 20);
  EXPECT_GT(seen[1], 20);
}

}  // namespace
}  // namespace gatehouse
