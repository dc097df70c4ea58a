#include "common/tcp_stream.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "common/slab_pool.h"
#include "common/sockets.h"
#include "tests/support/stream_testing.h"

namespace gatehouse {
namespace {

using testing_support::connected_pair;
using testing_support::narrow;
using testing_support::NotingUser;
using testing_support::pattern;
using testing_support::SocketKind;
using testing_support::Talker;
using testing_support::turn_until;

// One end is a stream, the other a bare socket.
class TcpStreamTest : public testing::TestWithParam<SocketKind> {
 protected:
  void SetUp() override {
    auto [ours, theirs] = connected_pair(GetParam());
    stream = std::make_unique<TcpStream>(loop, std::move(ours));
    peer = std::move(theirs);
    stream->set_user(&user);
  }
  void TearDown() override {
    stream.reset();
    EXPECT_EQ(slab_pool::outstanding(), 0U);
  }

  void turn() { loop.turn(EventLoop::Wait::kNever); }
  void peer_sends(std::string_view text) {
    ASSERT_EQ(::send(peer.get(), text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
  }
  std::string peer_receives() {
    std::string text(1 << 17, '\0');
    const ssize_t count = ::recv(peer.get(), text.data(), text.size(), 0);
    text.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    return text;
  }
  IoStatus read(std::size_t max = 65536) {
    Buffer piece;
    const IoResult result = stream->read(piece, max);
    EXPECT_EQ(result.bytes, piece.size());
    last = piece.to_string();
    return result.status;
  }

  EventLoop loop;
  NotingUser user;
  std::unique_ptr<TcpStream> stream;
  Fd peer;
  std::string last;  // of read()
};

INSTANTIATE_TEST_SUITE_P(Sockets, TcpStreamTest, testing::Values(SocketKind::kTcp, SocketKind::kUnix),
                         [](const auto& kind) { return kind.param == SocketKind::kTcp ? "Tcp" : "Unix"; });

TEST_P(TcpStreamTest, ReadsWhatIsThereAtOnceAndThenWouldBlock) {
  peer_sends("hello");
  EXPECT_EQ(read(), IoStatus::kOk);
  EXPECT_EQ(last, "hello");
  EXPECT_EQ(read(), IoStatus::kWouldBlock);
  EXPECT_EQ(last, "");
}

TEST_P(TcpStreamTest, CallsOncePerWouldBlock) {
  EXPECT_EQ(read(), IoStatus::kWouldBlock);
  turn();
  EXPECT_EQ(user.readable, 0) << "nothing has come";
  peer_sends("one");
  turn_until(loop, [&] { return user.readable == 1; });
  peer_sends("two");
  turn();
  turn();
  EXPECT_EQ(user.readable, 1) << "it has not read since";
  EXPECT_EQ(read(), IoStatus::kOk);
  EXPECT_EQ(last, "onetwo");
  EXPECT_EQ(read(), IoStatus::kWouldBlock);
  peer_sends("three");
  turn_until(loop, [&] { return user.readable == 2; });
  EXPECT_EQ(user.writable, 0) << "nobody asked";
}

TEST_P(TcpStreamTest, ReadsNoMoreThanAskedAndKeepsTheRestInTheSocket) {
  const std::string text = pattern(50000);
  peer_sends(text);
  std::string got;
  for (const std::size_t max : {1U, 10U, 16384U, 20000U, 5U, 65536U}) {
    const IoStatus status = read(max);
    if (status != IoStatus::kOk) break;
    EXPECT_LE(last.size(), max);
    got += last;
  }
  while (got.size() < text.size() && read() == IoStatus::kOk) got += last;
  EXPECT_TRUE(got == text);
  EXPECT_EQ(read(), IoStatus::kWouldBlock);
}

TEST_P(TcpStreamTest, AFillingReaderGetsSeveralSlabsInOneCall) {
  const std::string text = pattern(100000);
  peer_sends(text);
  EXPECT_EQ(read(65536), IoStatus::kOk);
  EXPECT_EQ(last.size(), Buffer::kSlabSize);
  std::string got = last;
  EXPECT_EQ(read(65536), IoStatus::kOk);
  EXPECT_EQ(last.size(), 65536U);
  got += last;
  EXPECT_EQ(read(65536), IoStatus::kOk);
  got += last;
  EXPECT_TRUE(got == text);
}

TEST_P(TcpStreamTest, DataAndEndInOneEdgeAreBothSeen) {
  EXPECT_EQ(read(), IoStatus::kWouldBlock);
  peer_sends("last words");
  ::shutdown(peer.get(), SHUT_WR);
  turn_until(loop, [&] { return user.readable == 1; });
  EXPECT_EQ(read(), IoStatus::kOk);
  EXPECT_EQ(last, "last words");
  EXPECT_EQ(read(), IoStatus::kEof);
  EXPECT_EQ(read(), IoStatus::kEof);
  Buffer response("still open this way");
  EXPECT_EQ(stream->write(response).status, IoStatus::kOk);
  EXPECT_EQ(peer_receives(), "still open this way");
}

TEST_P(TcpStreamTest, TheEndAloneCallsTheUser) {
  EXPECT_EQ(read(), IoStatus::kWouldBlock);
  turn();
  ::shutdown(peer.get(), SHUT_WR);
  turn_until(loop, [&] { return user.readable == 1; });
  EXPECT_EQ(read(), IoStatus::kEof);
}

TEST_P(TcpStreamTest, WhatComesWhileNobodyIsSetReachesTheNextUser) {
  EXPECT_EQ(read(), IoStatus::kWouldBlock);
  stream->set_user(nullptr);
  turn();
  peer_sends("early");
  turn();
  turn();
  EXPECT_EQ(user.readable, 0);
  NotingUser next;
  stream->set_user(&next);
  turn();
  EXPECT_EQ(next.readable, 1);
  EXPECT_EQ(read(), IoStatus::kOk);
  EXPECT_EQ(last, "early");
  stream->set_user(nullptr);
}

TEST_P(TcpStreamTest, AUserThatNeverReadIsCalledForTheFirstBytes) {
  turn();
  peer_sends("hello");
  turn_until(loop, [&] { return user.readable == 1; });
}

TEST_P(TcpStreamTest, AnIdleUserIsToldOfTheEndThoughThePreviousOneReadShort) {
  peer_sends("answer");
  EXPECT_EQ(read(), IoStatus::kOk);
  NotingUser idle;
  stream->set_user(&idle);
  turn();
  peer.reset();
  turn_until(loop, [&] { return idle.readable == 1; });
  EXPECT_EQ(read(), IoStatus::kEof);
  stream->set_user(nullptr);
}

TEST_P(TcpStreamTest, AFullSocketSaysWouldBlockAndCallsWhenThereIsRoom) {
  narrow(stream->fd());
  Buffer out(pattern(4 << 20));
  const IoResult first = stream->write(out);
  EXPECT_EQ(first.status, IoStatus::kWouldBlock);
  EXPECT_GT(first.bytes, 0U);
  EXPECT_EQ(first.bytes + out.size(), std::size_t{4} << 20U);
  EXPECT_EQ(stream->write(out).bytes, 0U);
  std::string got;
  user.then_writable = [&] { static_cast<void>(stream->write(out)); };
  const auto all_came = [&] {
    got += peer_receives();
    return got.size() == std::size_t{4} << 20U;
  };
  turn_until(loop, all_came, EventLoop::Wait::kNever);
  EXPECT_GT(user.writable, 0);
  EXPECT_TRUE(got == pattern(4 << 20));
}

TEST_P(TcpStreamTest, WhatIsOnTheWayShrinksAsTheOtherEndTakesIt) {
  narrow(stream->fd());
  EXPECT_EQ(stream->unacknowledged(), 0U);
  Buffer bytes(pattern(4 << 20));
  EXPECT_EQ(stream->write(bytes).status, IoStatus::kWouldBlock);
  const std::size_t before = stream->unacknowledged();
  EXPECT_GT(before, 0U);
  const auto falls_to = [&](std::size_t most) {
    peer_receives();
    return stream->unacknowledged() <= most;
  };
  turn_until(loop, [&] { return falls_to(before - 1); }, EventLoop::Wait::kNever);
  turn_until(loop, [&] { return falls_to(0); }, EventLoop::Wait::kNever);
}

// A writer that waits is called as the other end reads, and loses nothing.
TEST(TcpStreamLimitTest, AKernelThatTakesLittleAheadStillCallsTheWriter) {
  EventLoop loop;
  auto [ours, theirs] = connected_pair(SocketKind::kTcp);
  sockets::set_unsent_limit(ours.get(), 16 * 1024);
  TcpStream stream(loop, std::move(ours));
  NotingUser user;
  stream.set_user(&user);
  const std::string sent = pattern(8 << 20);
  Buffer bytes(sent);
  user.then_writable = [&] { static_cast<void>(stream.write(bytes)); };
  EXPECT_EQ(stream.write(bytes).status, IoStatus::kWouldBlock);
  std::string received;
  std::string piece(1 << 16, '\0');
  const auto all_came = [&] {
    const ssize_t count = ::recv(theirs.get(), piece.data(), piece.size(), MSG_DONTWAIT);
    if (count > 0) received.append(piece, 0, static_cast<std::size_t>(count));
    return received.size() == sent.size();
  };
  turn_until(loop, all_came, EventLoop::Wait::kNever);
  EXPECT_TRUE(received == sent);
}

TEST_P(TcpStreamTest, WritesAnyNumberOfRunsInOrder) {
  Buffer out;
  std::string expected;
  for (unsigned i = 0; i < 300; ++i) {
    Buffer part;
    part.append(pattern(1100, i));
    expected += pattern(1100, i);
    out.append(std::move(part));
  }
  std::string got;
  const auto all_came = [&] {
    static_cast<void>(stream->write(out));
    got += peer_receives();
    return got.size() == expected.size();
  };
  turn_until(loop, all_came, EventLoop::Wait::kNever);
  EXPECT_TRUE(got == expected);
}

TEST_P(TcpStreamTest, CarriesMegabytesBothWaysAtOnceByteForByte) {
  narrow(stream->fd());
  narrow(peer.get());
  TcpStream other(loop, std::move(peer));
  const std::string there = pattern(3 << 20, 1);
  const std::string back = pattern((2 << 20) + 12345, 2);
  Talker left(*stream, there, 65536);
  Talker right(other, back, 3000);
  left.start();
  right.start();
  turn_until(loop, [&] { return left.received.size() == back.size() && right.received.size() == there.size(); });
  EXPECT_TRUE(left.received == back);
  EXPECT_TRUE(right.received == there);
  EXPECT_GT(left.blocked, 0);
  EXPECT_GT(right.blocked, 0);
}

TEST_P(TcpStreamTest, ShutdownWriteEndsOurHalfOnly) {
  Buffer out("bye");
  EXPECT_EQ(stream->write(out).status, IoStatus::kOk);
  stream->shutdown_write();
  EXPECT_EQ(peer_receives(), "bye");
  char byte = 0;
  EXPECT_EQ(::recv(peer.get(), &byte, 1, 0), 0);
  peer_sends("and back");
  EXPECT_EQ(read(), IoStatus::kOk);
  EXPECT_EQ(last, "and back");
}

TEST_P(TcpStreamTest, WritingToAClosedOneIsBrokenAndStaysSo) {
  peer.reset();
  IoStatus status = IoStatus::kOk;
  const auto refused = [&] {  // TCP learns of it by the reset that answers the first write
    Buffer out("anybody?");
    status = stream->write(out).status;
    return status != IoStatus::kOk;
  };
  turn_until(loop, refused, EventLoop::Wait::kNever);
  EXPECT_EQ(status, IoStatus::kBroken);
  EXPECT_NE(stream->last_error(), 0);
  Buffer nothing;
  EXPECT_EQ(stream->write(nothing).status, IoStatus::kBroken);
}

TEST_P(TcpStreamTest, TheUserMayDropTheStreamInEitherCall) {
  narrow(stream->fd());
  Buffer out(pattern(4 << 20));
  EXPECT_EQ(stream->write(out).status, IoStatus::kWouldBlock);
  EXPECT_EQ(read(), IoStatus::kWouldBlock);
  user.then_readable = [&] { stream.reset(); };
  peer_sends("x");
  static_cast<void>(peer_receives());  // so that both calls are due
  turn_until(loop, [&] { return user.readable == 1; });
  turn();
  EXPECT_EQ(user.writable, 0);
}

TEST_P(TcpStreamTest, BothCallsComeWhenBothAreDue) {
  narrow(stream->fd());
  Buffer out(pattern(1 << 20));
  EXPECT_EQ(stream->write(out).status, IoStatus::kWouldBlock);
  EXPECT_EQ(read(), IoStatus::kWouldBlock);
  peer.reset();  // a reset is an edge for both directions
  turn_until(loop, [&] { return user.readable == 1 && user.writable == 1; });
  EXPECT_EQ(stream->write(out).status, IoStatus::kBroken);
}

// What only TCP has: resets that can be made on purpose.
class TcpResetTest : public TcpStreamTest {};
INSTANTIATE_TEST_SUITE_P(Sockets, TcpResetTest, testing::Values(SocketKind::kTcp), [](const auto&) { return "Tcp"; });

TEST_P(TcpResetTest, AResetIsBrokenNotTheEnd) {
  EXPECT_EQ(read(), IoStatus::kWouldBlock);
  sockets::set_linger_reset(peer.get());
  peer.reset();
  turn_until(loop, [&] { return user.readable == 1; });
  EXPECT_EQ(read(), IoStatus::kBroken);
  EXPECT_EQ(stream->last_error(), ECONNRESET);
  EXPECT_EQ(read(), IoStatus::kBroken) << "the kernel reports it only once";
}

TEST_P(TcpResetTest, AResetThatAWriteHasMetDoesNotReadAsTheEnd) {
  peer_sends("half an ans");
  sockets::set_linger_reset(peer.get());
  peer.reset();
  Buffer out("more of the request");
  EXPECT_EQ(stream->write(out).status, IoStatus::kBroken);
  EXPECT_EQ(stream->last_error(), ECONNRESET);
  EXPECT_EQ(read(), IoStatus::kOk);
  EXPECT_EQ(last, "half an ans");
  EXPECT_EQ(read(), IoStatus::kBroken);
}

TEST_P(TcpResetTest, AnAnswerThatEndedBeforeTheResetIsReadToItsEnd) {
  peer_sends("too large, go away");
  ::shutdown(peer.get(), SHUT_WR);
  sockets::set_linger_reset(peer.get());
  peer.reset();
  Buffer out("more of the request");
  EXPECT_EQ(stream->write(out).status, IoStatus::kBroken);
  EXPECT_EQ(stream->last_error(), EPIPE);
  EXPECT_EQ(read(), IoStatus::kOk);
  EXPECT_EQ(last, "too large, go away");
  EXPECT_EQ(read(), IoStatus::kEof);
}

TEST_P(TcpResetTest, AbortOnCloseResetsTheOtherSide) {
  stream->abort_on_close();
  stream.reset();
  char byte = 0;
  EXPECT_EQ(::recv(peer.get(), &byte, 1, 0), -1);
  EXPECT_EQ(errno, ECONNRESET);
}

TEST_P(TcpResetTest, ClosingWithoutItIsAFin) {
  stream.reset();
  char byte = 0;
  EXPECT_EQ(::recv(peer.get(), &byte, 1, 0), 0);
}

}  // namespace
}  // namespace gatehouse
