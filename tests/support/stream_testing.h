// For tests of byte streams over real sockets: connected pairs, a loop that fails rather than hangs, and a user that
// notes how it was called. Everything belongs to the test's thread.
#pragma once

#include <sys/socket.h>

#include <chrono>
#include <functional>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "common/byte_stream.h"
#include "common/event_loop.h"
#include "common/fd.h"
#include "common/sockets.h"
#include "common/timer.h"

namespace gatehouse::testing_support {

enum class SocketKind { kTcp, kUnix };

// Two connected, non-blocking sockets without delay.
inline std::pair<Fd, Fd> connected_pair(SocketKind kind) {
  if (kind == SocketKind::kUnix) {
    int ends[2] = {-1, -1};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    return {Fd(ends[0]), Fd(ends[1])};
  }
  const Result<Fd> listener = sockets::listen(Address::parse("127.0.0.1:0").value());
  EXPECT_TRUE(listener.has_value());
  Result<Fd> one = sockets::connect(Address::local_of(listener->get()));
  EXPECT_TRUE(one.has_value());
  // On loopback the connection stands when connect() returns.
  Fd other(::accept4(listener->get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  EXPECT_TRUE(static_cast<bool>(other));
  sockets::set_no_delay(other.get());
  return {std::move(*one), std::move(other)};
}

// So that a writer soon meets a full socket. (A narrow receive buffer would instead make TCP wait for its probe timer.)
inline void narrow(int socket) {
  const int size = 128 * 1024;
  EXPECT_EQ(::setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &size, sizeof size), 0);
}

inline std::string pattern(std::size_t size, unsigned seed = 0) {
  std::string text(size, '\0');
  std::uint32_t state = seed * 2654435761U + 1;
  for (char& c : text) {
    state = state * 1664525U + 1013904223U;
    c = static_cast<char>(state >> 24U);
  }
  return text;
}

// Turns the loop until `done` says so; a test that would hang fails instead. With kNever it polls, for what the loop
// does not see: a bare socket that `done` itself reads.
inline void turn_until(EventLoop& loop, const std::function<bool()>& done,
                       EventLoop::Wait wait = EventLoop::Wait::kForEvents) {
  bool late = false;
  Timer watchdog(loop, [&] { late = true; });
  watchdog.arm(std::chrono::seconds(20));
  while (!done() && !late) loop.turn(wait);
  EXPECT_FALSE(late) << "what the test waits for did not happen";
}

// Notes the calls; `then_readable` and `then_writable` are what it does as its last statement.
class NotingUser final : public ByteStream::User {
 public:
  void on_readable() override {
    ++readable;
    if (then_readable) then_readable();
  }
  void on_writable() override {
    ++writable;
    if (then_writable) then_writable();
  }
  void on_peer_ended() override { ++peer_ended; }
  bool follows_peer() const override { return follows; }

  int readable = 0;
  int writable = 0;
  int peer_ended = 0;
  bool follows = false;
  std::function<void()> then_readable;
  std::function<void()> then_writable;
};

// Sends all of `out` and collects all that comes, reading a limited amount at a time.
class Talker final : public ByteStream::User {
 public:
  Talker(ByteStream& stream, std::string_view out, std::size_t read_size) : stream_(stream), read_size_(read_size) {
    out_.append(out);
    stream_.set_user(this);
  }
  ~Talker() { stream_.set_user(nullptr); }
  Talker(const Talker&) = delete;
  Talker& operator=(const Talker&) = delete;

  void start() {
    on_writable();
    on_readable();
  }
  void on_readable() override {
    while (true) {
      Buffer piece;
      const IoResult result = stream_.read(piece, read_size_);
      EXPECT_EQ(result.bytes, piece.size());
      EXPECT_LE(result.bytes, read_size_);
      received += piece.to_string();
      read_status = result.status;
      if (result.status != IoStatus::kOk) return;
      EXPECT_GT(result.bytes, 0U);
    }
  }
  void on_writable() override {
    write_status = stream_.write(out_).status;
    most_unsent = std::max(most_unsent, stream_.unsent());
    EXPECT_EQ(write_status == IoStatus::kOk ? stream_.unsent() : 0U, 0U);
    if (write_status == IoStatus::kWouldBlock) ++blocked;
  }
  bool all_sent() const { return out_.empty() && stream_.unsent() == 0; }

  std::string received;
  IoStatus read_status = IoStatus::kOk;
  IoStatus write_status = IoStatus::kOk;
  std::size_t most_unsent = 0;
  int blocked = 0;

 private:
  ByteStream& stream_;
  std::size_t read_size_;
  Buffer out_;
};

}  // namespace gatehouse::testing_support
