#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "tests/support/tls_stream_case.h"

namespace gatehouse {
namespace {

using testing_support::ContextPtr;
using testing_support::MemoryClient;
using testing_support::pattern;
using testing_support::turn_until;
using testing_support::version_name;

struct SessionDeleter {
  void operator()(SSL_SESSION* session) const { SSL_SESSION_free(session); }
};
using SessionPtr = std::unique_ptr<SSL_SESSION, SessionDeleter>;

// A server that takes early data, and a client that has been there.
class TlsEarlyDataTest : public testing_support::TlsStreamCase {
 protected:
  static constexpr std::uint32_t kMost = 4096;

  void SetUp() override {
    SSL_CTX_set_max_early_data(server_side.get(), kMost);
    constexpr unsigned char kOurs[] = "here";
    SSL_CTX_set_session_id_context(server_side.get(), kOurs, sizeof kOurs);
    SSL_CTX_set_session_cache_mode(client_side.get(), SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_set_app_data(client_side.get(), this);
    SSL_CTX_sess_set_new_cb(client_side.get(), [](SSL* ssl, SSL_SESSION* ticket) {
      static_cast<TlsEarlyDataTest*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)))
          ->session.reset(SSL_SESSION_dup(ticket));  // which the connection that has it may spoil
      return 0;
    });
    TlsStreamCase::SetUp();
    complete_handshake();
    turn_until(
        loop,
        [&] {
          exchange();
          static_cast<void>(client.receive());
          return session != nullptr;
        },
        EventLoop::Wait::kNever);
    again(SSL_SESSION_dup(session.get()));
  }
  void TearDown() override {
    session.reset();
    TlsStreamCase::TearDown();
  }

  // Another connection of the same client.
  void again(SSL_SESSION* with) {
    server.reset();
    client = MemoryClient(*client_side);
    const SessionPtr resumed(with);
    ASSERT_EQ(SSL_set_session(client.ssl(), resumed.get()), 1);
    TlsStreamCase::SetUp();
  }
  SSL_SESSION* copy() const { return SSL_SESSION_dup(session.get()); }
  void send_early(std::string_view text) {
    std::size_t written = 0;
    ASSERT_EQ(SSL_write_early_data(client.ssl(), text.data(), text.size(), &written), 1);
    ASSERT_EQ(written, text.size());
  }
  std::string receive_early() {
    char piece[4096];
    std::size_t count = 0;
    SSL_read_ex(client.ssl(), piece, sizeof piece, &count);
    return {piece, count};
  }
  int status() { return SSL_get_early_data_status(server->ssl()); }
  // Until the client's end of the handshake has arrived as well.
  TlsStream::Handshake finish() {
    TlsStream::Handshake step = server->handshake();
    turn_until(
        loop,
        [&] {
          client.give_wire(receive_raw());
          client.handshake();
          send_raw(client.take_wire());
          turn();
          step = server->handshake();
          return step == TlsStream::Handshake::kDone || step == TlsStream::Handshake::kFailed;
        },
        EventLoop::Wait::kNever);
    return step;
  }
  void write(std::string_view text) {
    Buffer bytes(text);
    EXPECT_EQ(server->write(bytes).status, IoStatus::kOk);
  }

  SessionPtr session;
};
INSTANTIATE_TEST_SUITE_P(Versions, TlsEarlyDataTest, testing::Values(TLS1_3_VERSION), version_name);

TEST_P(TlsEarlyDataTest, ComesAndIsAnsweredBeforeTheHandshakeIsDone) {
  send_early("a request");
  send_raw(client.take_wire());
  turn();
  EXPECT_EQ(server->handshake(), TlsStream::Handshake::kEarlyData);
  EXPECT_EQ(status(), SSL_EARLY_DATA_ACCEPTED);
  EXPECT_TRUE(server->unread());
  EXPECT_EQ(read(2), IoStatus::kOk);
  EXPECT_EQ(last, "a ");
  EXPECT_EQ(read(), IoStatus::kOk);
  EXPECT_EQ(last, "request");
  EXPECT_EQ(read(), IoStatus::kWouldBlock);
  write("an answer");
  client.give_wire(receive_raw());
  EXPECT_EQ(receive_early(), "an answer");
  EXPECT_NE(SSL_is_init_finished(server->ssl()), 1);
  EXPECT_EQ(finish(), TlsStream::Handshake::kDone);
  client.send("another");
  exchange();
  EXPECT_EQ(read_all(7), "another");
  write("more");
  client.give_wire(receive_raw());
  EXPECT_EQ(client.receive(), "more");
}

TEST_P(TlsEarlyDataTest, ComesWhole) {
  send_early(pattern(3000));
  std::string got;
  TlsStream::Handshake step = server->handshake();
  for (const char byte : client.take_wire()) {
    send_raw({&byte, 1});
    turn();
    step = server->handshake();
    if (step == TlsStream::Handshake::kEarlyData && read(999) == IoStatus::kOk) got += last;
  }
  while (read(999) == IoStatus::kOk) got += last;
  EXPECT_TRUE(got == pattern(3000));
  EXPECT_EQ(finish(), TlsStream::Handshake::kDone);
}

TEST_P(TlsEarlyDataTest, WhatIsNotReadBeforeTheHandshakeIsDoneComesFirstThen) {
  send_early("early, ");
  send_raw(client.take_wire());
  turn();
  EXPECT_EQ(server->handshake(), TlsStream::Handshake::kEarlyData);
  EXPECT_EQ(finish(), TlsStream::Handshake::kDone);
  client.send("late");
  exchange();
  EXPECT_EQ(read_all(11), "early, late");
}

TEST_P(TlsEarlyDataTest, ATicketIsGoodOnceAndARejectedRequestIsSkipped) {
  send_early("first");
  send_raw(client.take_wire());
  turn();
  EXPECT_EQ(server->handshake(), TlsStream::Handshake::kEarlyData);
  EXPECT_EQ(read_all(5), "first");
  again(copy());
  send_early(pattern(kMost));
  send_raw(client.take_wire());
  turn();
  EXPECT_EQ(server->handshake(), TlsStream::Handshake::kInProgress);
  EXPECT_EQ(read(), IoStatus::kWouldBlock);
  EXPECT_EQ(finish(), TlsStream::Handshake::kDone);
  EXPECT_EQ(status(), SSL_EARLY_DATA_REJECTED);
  EXPECT_EQ(SSL_session_reused(server->ssl()), 0);
  EXPECT_EQ(read(), IoStatus::kWouldBlock);
  client.send("again");
  exchange();
  EXPECT_EQ(read_all(5), "again");
}

TEST_P(TlsEarlyDataTest, ATicketIsGoodThoughItsConnectionWasCutOff) {
  again(copy());
  EXPECT_EQ(finish(), TlsStream::Handshake::kDone);
  turn_until(
      loop,
      [&] {
        client.give_wire(receive_raw());
        static_cast<void>(client.receive());
        return SSL_SESSION_is_resumable(session.get()) == 1;
      },
      EventLoop::Wait::kNever);
  ::shutdown(peer.get(), SHUT_WR);
  turn_until(loop, [&] { return read() == IoStatus::kBroken; }, EventLoop::Wait::kNever);
  again(copy());
  send_early("a request");
  send_raw(client.take_wire());
  turn();
  EXPECT_EQ(server->handshake(), TlsStream::Handshake::kEarlyData);
}

TEST_P(TlsEarlyDataTest, ACloseWaitsForTheHandshakeSoThatTheClientHearsOfIt) {
  send_early("a request");
  send_raw(client.take_wire());
  turn();
  EXPECT_EQ(server->handshake(), TlsStream::Handshake::kEarlyData);
  EXPECT_EQ(read_all(9), "a request");
  write("an answer");
  server->shutdown_write();
  client.give_wire(receive_raw());
  EXPECT_EQ(receive_early(), "an answer");
  EXPECT_FALSE(client.saw_close_notify());
  EXPECT_EQ(finish(), TlsStream::Handshake::kDone);
  turn_until(
      loop,
      [&] {
        client.give_wire(receive_raw());
        static_cast<void>(client.receive());
        return client.saw_close_notify();
      },
      EventLoop::Wait::kNever);
}

TEST_P(TlsEarlyDataTest, AHandshakeThatFailsAfterwardsBreaksTheStream) {
  send_early("a request");
  send_raw(client.take_wire());
  turn();
  EXPECT_EQ(server->handshake(), TlsStream::Handshake::kEarlyData);
  send_raw(std::string("\x17\x03\x03\x00\x20", 5) + std::string(32, 'x'));
  turn_until(
      loop, [&] { return turn(), server->handshake() == TlsStream::Handshake::kFailed; }, EventLoop::Wait::kNever);
  EXPECT_EQ(read(), IoStatus::kBroken) << "nor is there anything of what came before";
  Buffer answer("an answer");
  EXPECT_EQ(server->write(answer).status, IoStatus::kBroken);
}

TEST_P(TlsEarlyDataTest, MoreThanIsAllowedEndsTheHandshake) {
  SSL_SESSION* greedy = copy();
  SSL_SESSION_set_max_early_data(greedy, 10 * kMost);
  again(greedy);
  send_early(pattern(kMost + 1));
  send_raw(client.take_wire());
  turn_until(
      loop, [&] { return turn(), server->handshake() == TlsStream::Handshake::kFailed; }, EventLoop::Wait::kNever);
  EXPECT_EQ(read(), IoStatus::kBroken);
}

TEST_P(TlsEarlyDataTest, IsOffUnlessTheContextTakesSome) {
  server.reset();
  SSL_CTX_set_max_early_data(server_side.get(), 0);
  again(copy());
  send_early("a request");
  send_raw(client.take_wire());
  turn();
  EXPECT_EQ(server->handshake(), TlsStream::Handshake::kInProgress);
  EXPECT_EQ(finish(), TlsStream::Handshake::kDone);
  EXPECT_EQ(status(), SSL_EARLY_DATA_REJECTED);
  EXPECT_EQ(read(), IoStatus::kWouldBlock);
}

}  // namespace
}  // namespace gatehouse
