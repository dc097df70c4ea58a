// Whose a socket is. Another user is there where the test may become one.
#include "common/socket_owner.h"

#include <sys/socket.h>
#include <unistd.h>

#include <string>

#include <gtest/gtest.h>

#include "common/sockets.h"

namespace gatehouse {
namespace {

Fd connected_to(const Address& address) {
  Fd client(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(::connect(client.get(), address.data(), address.length()), 0);
  return client;
}

class SocketOwnerTest : public testing::TestWithParam<const char*> {};

TEST_P(SocketOwnerTest, IsWhoListensAndWhoHasAccepted) {
  const Fd listener = *sockets::listen(*Address::parse(GetParam()), {.reuse_port = false, .backlog = 4});
  const Address there = Address::local_of(listener.get());
  EXPECT_EQ(socket_owner::listener_at(there), ::geteuid());
  const Fd client = connected_to(there);
  const uid_t other = ::geteuid() + 1;
  EXPECT_TRUE(socket_owner::is_at_other_end(client.get(), ::geteuid())) << "it waits";
  EXPECT_FALSE(socket_owner::is_at_other_end(client.get(), other)) << "it waits";
  const Fd accepted(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  ASSERT_TRUE(accepted);
  EXPECT_TRUE(socket_owner::is_at_other_end(client.get(), ::geteuid()));
  EXPECT_FALSE(socket_owner::is_at_other_end(client.get(), other));
}

TEST_P(SocketOwnerTest, IsNobodyWhereNobodyListensOrTheOtherEndHasGone) {
  Fd listener = *sockets::listen(*Address::parse(GetParam()), {.reuse_port = false, .backlog = 4});
  const Address there = Address::local_of(listener.get());
  const Fd client = connected_to(there);
  Fd accepted(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  ASSERT_TRUE(accepted);
  // Nobody has what was closed, though the listener that it came by is still there.
  accepted.reset();
  EXPECT_FALSE(socket_owner::is_at_other_end(client.get(), ::geteuid()));
  listener.reset();
  EXPECT_EQ(socket_owner::listener_at(there), std::nullopt);
}

INSTANTIATE_TEST_SUITE_P(Loopback, SocketOwnerTest, testing::Values("127.0.0.1:0", "[::1]:0"),
                         [](const auto& row) { return std::string(row.param).starts_with('[') ? "V6" : "V4"; });

TEST(SocketOwner, AListenerOnAllAddressesTakesThoseOfLoopback) {
  const Fd listener = *sockets::listen(*Address::parse("[::]:0"), {.reuse_port = false, .backlog = 4});
  Address there = *Address::parse("127.0.0.1:1");
  there.set_port(Address::local_of(listener.get()).port());
  EXPECT_EQ(socket_owner::listener_at(there), ::geteuid());
  const Fd client = connected_to(there);
  EXPECT_TRUE(socket_owner::is_at_other_end(client.get(), ::geteuid()));
}

}  // namespace
}  // namespace gatehouse
