// The end of the other side behind bytes that nobody reads: who follows the peer is told of it all the same.
#include <sys/socket.h>

#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "common/sockets.h"
#include "common/tcp_stream.h"
#include "tests/support/stream_testing.h"

namespace gatehouse {
namespace {

using testing_support::connected_pair;
using testing_support::NotingUser;
using testing_support::SocketKind;
using testing_support::turn_until;

// One end is a stream, the other a bare socket.
class PeerEndTest : public testing::TestWithParam<SocketKind> {
 protected:
  void SetUp() override {
    auto [ours, theirs] = connected_pair(GetParam());
    stream = std::make_unique<TcpStream>(loop, std::move(ours));
    peer = std::move(theirs);
    stream->set_user(&user);
  }

  void turn() { loop.turn(EventLoop::Wait::kNever); }
  void peer_sends(std::string_view text) {
    ASSERT_EQ(::send(peer.get(), text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
  }
  IoStatus read() {
    Buffer piece;
    const IoResult result = stream->read(piece, 65536);
    last = piece.to_string();
    return result.status;
  }

  EventLoop loop;
  NotingUser user;
  std::unique_ptr<TcpStream> stream;
  Fd peer;
  std::string last;  // of read()
};

INSTANTIATE_TEST_SUITE_P(Sockets, PeerEndTest, testing::Values(SocketKind::kTcp, SocketKind::kUnix),
                         [](const auto& kind) { return kind.param == SocketKind::kTcp ? "Tcp" : "Unix"; });

// The user of an upload whose bytes nobody takes: it does not read, and has to know whether somebody still sends.
TEST_P(PeerEndTest, WhoFollowsThePeerIsToldOfItsEndBehindUnreadBytes) {
  user.follows = true;
  EXPECT_EQ(stream->peer_status(), IoStatus::kOk);
  peer_sends("unread");
  turn();
  EXPECT_EQ(user.readable, 1);
  EXPECT_EQ(user.peer_ended, 0);
  ASSERT_EQ(::shutdown(peer.get(), SHUT_WR), 0);
  turn_until(loop, [&] { return user.peer_ended == 1; });
  EXPECT_EQ(user.readable, 1);
  EXPECT_EQ(stream->peer_status(), IoStatus::kEof);
  EXPECT_EQ(read(), IoStatus::kOk);
  EXPECT_EQ(last, "unread");
  EXPECT_EQ(read(), IoStatus::kEof);
  turn();
  EXPECT_EQ(user.peer_ended, 1);
}

TEST_P(PeerEndTest, DataAndEndInOneEdgeTellOfBothAndANewUserOfTheEndAgain) {
  user.follows = true;
  peer_sends("x");
  ASSERT_EQ(::shutdown(peer.get(), SHUT_WR), 0);
  turn_until(loop, [&] { return user.peer_ended == 1; });
  EXPECT_EQ(user.readable, 1);
  NotingUser next;
  next.follows = true;
  stream->set_user(&next);
  turn_until(loop, [&] { return next.peer_ended == 1; });
  stream->set_user(nullptr);
}

TEST_P(PeerEndTest, WhoDoesNotFollowThePeerIsNotTold) {
  peer_sends("x");
  turn();
  ASSERT_EQ(::shutdown(peer.get(), SHUT_WR), 0);
  for (int i = 0; i < 3; ++i) turn();
  EXPECT_EQ(user.peer_ended, 0);
}

TEST_P(PeerEndTest, WhoFollowsThePeerIsToldOfAResetBehindUnreadBytes) {
  if (GetParam() == SocketKind::kUnix) GTEST_SKIP() << "has no resets";
  user.follows = true;
  peer_sends("unread");
  turn();
  EXPECT_EQ(user.readable, 1);
  sockets::set_linger_reset(peer.get());
  peer.reset();
  turn_until(loop, [&] { return user.peer_ended == 1; });
  EXPECT_EQ(stream->peer_status(), IoStatus::kBroken);
}

}  // namespace
}  // namespace gatehouse
