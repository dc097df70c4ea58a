#include "common/sockets.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/temporary_folder.h"

namespace gatehouse {
namespace {

Address address_of(std::string_view text) {
  return Address::parse(text).value();
}

int option(const Fd& fd, int level, int name) {
  int value = -1;
  socklen_t length = sizeof value;
  EXPECT_EQ(::getsockopt(fd.get(), level, name, &value, &length), 0) << std::strerror(errno);
  return value;
}

void expect_non_blocking_and_close_on_exec(const Fd& fd) {
  EXPECT_NE(::fcntl(fd.get(), F_GETFL) & O_NONBLOCK, 0);
  EXPECT_NE(::fcntl(fd.get(), F_GETFD) & FD_CLOEXEC, 0);
}

// What the socket becomes within its time.
int wait_writable(const Fd& fd) {
  pollfd entry{.fd = fd.get(), .events = POLLOUT, .revents = 0};
  EXPECT_EQ(::poll(&entry, 1, 10000), 1);
  return sockets::take_error(fd.get());
}

bool accepts_from(const Fd& listener, const Address& address) {
  const Result<Fd> client = sockets::connect(address);
  if (!client || wait_writable(*client) != 0) return false;
  return static_cast<bool>(Fd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC)));
}

TEST(SocketsTest, AWildcardListenerAcceptsBothFamilies) {
  const Result<Fd> listener = sockets::listen(address_of(":0"));
  ASSERT_TRUE(listener.has_value()) << listener.error().message;
  expect_non_blocking_and_close_on_exec(*listener);
  const Address local = Address::local_of(listener->get());
  const std::string port = std::to_string(local.port());
  EXPECT_NE(local.port(), 0);
  EXPECT_TRUE(accepts_from(*listener, address_of("127.0.0.1:" + port)));
  EXPECT_EQ(accepts_from(*listener, address_of("[::1]:" + port)), local.family() == AF_INET6);
}

TEST(SocketsTest, WorkersShareAPortAndOthersDoNot) {
  const Result<Fd> one = sockets::listen(address_of("127.0.0.1:0"));
  ASSERT_TRUE(one.has_value());
  const Address address = Address::local_of(one->get());
  EXPECT_TRUE(sockets::listen(address).has_value());
  const Result<Fd> alone = sockets::listen(address, {.reuse_port = false});
  ASSERT_FALSE(alone.has_value());
  EXPECT_EQ(alone.error().code, EADDRINUSE);
  EXPECT_TRUE(alone.error().message.contains(address.to_string())) << alone.error().message;
}

TEST(SocketsTest, AnAddressThatIsNotOursIsAnError) {
  const Result<Fd> fd = sockets::listen(address_of("192.0.2.1:0"));
  ASSERT_FALSE(fd.has_value());
  EXPECT_EQ(fd.error().code, EADDRNOTAVAIL);
}

class UnixListenTest : public testing::Test {
 protected:
  testing_support::TemporaryFolder folder;
  std::string path = folder.path() / "app.sock";
  Address address = address_of("unix:" + path);
};

TEST_F(UnixListenTest, ListensAndConnects) {
  const Result<Fd> listener = sockets::listen(address);
  ASSERT_TRUE(listener.has_value()) << listener.error().message;
  expect_non_blocking_and_close_on_exec(*listener);
  EXPECT_EQ(Address::local_of(listener->get()), address);
  EXPECT_TRUE(accepts_from(*listener, address));
}

TEST_F(UnixListenTest, WhoListensThereTheSystemSays) {
  const Result<Fd> listener = sockets::listen(address);
  ASSERT_TRUE(listener.has_value()) << listener.error().message;
  const Result<Fd> client = sockets::connect(address);
  ASSERT_TRUE(client.has_value());
  EXPECT_EQ(sockets::user_at_other_end(client->get()), ::geteuid());
  const Result<Fd> tcp = sockets::listen(address_of("127.0.0.1:0"));
  ASSERT_TRUE(tcp.has_value());
  EXPECT_EQ(sockets::user_at_other_end(sockets::connect(Address::local_of(tcp->get()))->get()), std::nullopt);
}

TEST_F(UnixListenTest, ASocketFileThatNobodyListensOnIsReplaced) {
  {
    ASSERT_TRUE(sockets::listen(address).has_value());
  }
  struct stat status{};
  ASSERT_EQ(::stat(path.c_str(), &status), 0) << "the file outlives its socket";
  const Result<Fd> again = sockets::listen(address);
  ASSERT_TRUE(again.has_value()) << again.error().message;
  EXPECT_TRUE(accepts_from(*again, address));
}

TEST_F(UnixListenTest, ALiveOneIsLeftAlone) {
  const Result<Fd> first = sockets::listen(address);
  const Result<Fd> second = sockets::listen(address);
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, EADDRINUSE);
  const Fd probe(::accept4(first->get(), nullptr, nullptr, SOCK_CLOEXEC));
  EXPECT_TRUE(accepts_from(*first, address));
}

TEST_F(UnixListenTest, AnOrdinaryFileIsNeverRemoved) {
  std::ofstream(path) << "precious";
  const Result<Fd> fd = sockets::listen(address);
  ASSERT_FALSE(fd.has_value());
  EXPECT_EQ(fd.error().code, EADDRINUSE);
  std::string content;
  std::ifstream(path) >> content;
  EXPECT_EQ(content, "precious");
}

TEST_F(UnixListenTest, ConnectingToNobodyFailsAtOnce) {
  const Result<Fd> nothing = sockets::connect(address);
  ASSERT_FALSE(nothing.has_value());
  EXPECT_EQ(nothing.error().code, ENOENT);
  EXPECT_TRUE(nothing.error().message.contains(path));
}

TEST(SocketsTest, ARefusedConnectShowsItsErrorWhenWritable) {
  Result<Fd> listener = sockets::listen(address_of("127.0.0.1:0"));
  const Address address = Address::local_of(listener->get());
  listener->reset();
  const Result<Fd> fd = sockets::connect(address);
  if (!fd) {
    EXPECT_EQ(fd.error().code, ECONNREFUSED);
    return;
  }
  expect_non_blocking_and_close_on_exec(*fd);
  EXPECT_EQ(wait_writable(*fd), ECONNREFUSED);
}

TEST(SocketsTest, AConnectedSocketHasNoDelay) {
  const Result<Fd> listener = sockets::listen(address_of("127.0.0.1:0"));
  const Result<Fd> fd = sockets::connect(Address::local_of(listener->get()));
  ASSERT_TRUE(fd.has_value());
  EXPECT_EQ(wait_writable(*fd), 0);
  EXPECT_EQ(option(*fd, IPPROTO_TCP, TCP_NODELAY), 1);
}

TEST(SocketsTest, AQuicSocketHasItsOptions) {
  for (const char* text : {"127.0.0.1:0", ":0"}) {
    SCOPED_TRACE(text);
    const Result<Fd> fd = sockets::bind_udp(address_of(text));
    ASSERT_TRUE(fd.has_value()) << fd.error().message;
    expect_non_blocking_and_close_on_exec(*fd);
    EXPECT_EQ(option(*fd, SOL_SOCKET, SO_REUSEPORT), 1);
    EXPECT_GE(option(*fd, SOL_SOCKET, SO_RCVBUF), 128 * 1024);
    EXPECT_EQ(option(*fd, IPPROTO_IP, IP_PKTINFO), 1);
    EXPECT_EQ(option(*fd, IPPROTO_IP, IP_RECVTOS), 1);
    EXPECT_EQ(option(*fd, IPPROTO_IP, IP_MTU_DISCOVER), IP_PMTUDISC_PROBE);
    if (Address::local_of(fd->get()).family() == AF_INET6) {
      EXPECT_EQ(option(*fd, IPPROTO_IPV6, IPV6_RECVPKTINFO), 1);
      EXPECT_EQ(option(*fd, IPPROTO_IPV6, IPV6_RECVTCLASS), 1);
      EXPECT_EQ(option(*fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER), IPV6_PMTUDISC_PROBE);
    }
  }
}

// The destination address and the ECN mark of a packet, as the control messages of one receive say.
TEST(SocketsTest, AQuicSocketReportsWhereAPacketWasSentToAndItsEcnMark) {
  const Result<Fd> server = sockets::bind_udp(address_of(":0"));
  ASSERT_TRUE(server.has_value());
  const Address target = address_of("127.0.0.1:" + std::to_string(Address::local_of(server->get()).port()));
  const Fd client(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const int ect1 = 1;
  ASSERT_EQ(::setsockopt(client.get(), IPPROTO_IP, IP_TOS, &ect1, sizeof ect1), 0);
  ASSERT_EQ(::sendto(client.get(), "x", 1, 0, target.data(), target.length()), 1);
  pollfd entry{.fd = server->get(), .events = POLLIN, .revents = 0};
  ASSERT_EQ(::poll(&entry, 1, 10000), 1);
  char byte = 0;
  alignas(cmsghdr) char control[512];
  iovec vector{.iov_base = &byte, .iov_len = 1};
  msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ASSERT_EQ(::recvmsg(server->get(), &message, 0), 1);
  int ecn = -1;
  bool destination = false;
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level == IPPROTO_IP && part->cmsg_type == IP_TOS) ecn = *CMSG_DATA(part);
    destination |= part->cmsg_level == IPPROTO_IP && part->cmsg_type == IP_PKTINFO;
    destination |= part->cmsg_level == IPPROTO_IPV6 && part->cmsg_type == IPV6_PKTINFO;
  }
  EXPECT_EQ(ecn, ect1);
  EXPECT_TRUE(destination);
}

}  // namespace
}  // namespace gatehouse
