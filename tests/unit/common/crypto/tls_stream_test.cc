#include "common/crypto/tls_stream.h"

#include <sys/socket.h>

#include <string>

#include <gtest/gtest.h>

#include "common/slab_pool.h"
#include "tests/support/tls_stream_case.h"

namespace gatehouse {
namespace {

using testing_support::narrow;
using testing_support::NotingUser;
using testing_support::pattern;
using testing_support::turn_until;
using testing_support::version_name;

class TlsStreamTest : public testing_support::TlsStreamCase {};
INSTANTIATE_TEST_SUITE_P(Versions, TlsStreamTest, testing::Values(TLS1_2_VERSION, TLS1_3_VERSION), version_name);

TEST_P(TlsStreamTest, ShakesHandsAndCarriesBytesBothWays) {
  complete_handshake();
  client.send("hello");
  exchange();
  EXPECT_EQ(read(), IoStatus::kOk);
  EXPECT_EQ(last, "hello");
  EXPECT_EQ(read(), IoStatus::kWouldBlock);
  Buffer response("and hello to you");
  const IoResult result = server->write(response);
  EXPECT_EQ(result.status, IoStatus::kOk);
  EXPECT_EQ(result.bytes, 16U);
  EXPECT_TRUE(response.empty());
  EXPECT_EQ(server->unsent(), 0U);
  exchange();
  EXPECT_EQ(client.receive(), "and hello to you");
}

TEST_P(TlsStreamTest, AnIdleConnectionHoldsNoSlab) {
  complete_handshake();
  client.send(pattern(10000));
  exchange();
  EXPECT_EQ(read_all(10000), pattern(10000));
  Buffer response(pattern(30000));
  EXPECT_EQ(server->write(response).status, IoStatus::kOk);
  EXPECT_EQ(slab_pool::outstanding(), 0U);
}

TEST_P(TlsStreamTest, WorksWhenEveryByteArrivesAlone) {
  TlsStream::Handshake step = server->handshake();
  user.then_readable = [&] {
    if (step == TlsStream::Handshake::kInProgress) step = server->handshake();
  };
  bool client_done = false;
  while (!client_done || step == TlsStream::Handshake::kInProgress) {
    client_done = client.handshake() || client_done;
    for (const char byte : client.take_wire()) {
      send_raw({&byte, 1});
      turn();
    }
    turn();
    for (const char byte : receive_raw()) client.give_wire({&byte, 1});
    ASSERT_NE(step, TlsStream::Handshake::kFailed) << server->failure_reason();
  }
  user.then_readable = nullptr;
  EXPECT_EQ(read(), IoStatus::kWouldBlock);
  client.send("first");
  client.send("second");
  std::string text;
  for (const char byte : client.take_wire()) {
    send_raw({&byte, 1});
    turn();
    while (read() == IoStatus::kOk) text += last;
  }
  EXPECT_EQ(text, "firstsecond");
}

TEST_P(TlsStreamTest, CallsOnlyAfterWouldBlock) {
  complete_handshake();
  EXPECT_EQ(read(), IoStatus::kWouldBlock);
  user.readable = 0;
  client.send("one");
  exchange();
  EXPECT_EQ(user.readable, 1);
  client.send("two");
  exchange();
  EXPECT_EQ(user.readable, 1) << "it has not read since";
  EXPECT_EQ(read_all(6), "onetwo");
  EXPECT_EQ(user.writable, 0) << "nobody asked";
}

TEST_P(TlsStreamTest, ReadsNoMoreThanAskedAndKeepsTheRest) {
  complete_handshake();
  const std::string text = pattern(40000);
  client.send(text);
  send_raw(client.take_wire());
  turn();
  std::string got;
  for (const std::size_t max : {1U, 7U, 100U, 16384U}) {
    EXPECT_EQ(read(max), IoStatus::kOk);
    got += last;
  }
  got += read_all(text.size() - got.size());
  EXPECT_TRUE(got == text);
}

TEST_P(TlsStreamTest, EndsWithCloseNotifyOnlyAndThenStillWrites) {
  complete_handshake();
  client.send("request");
  client.close_notify();
  exchange();
  EXPECT_EQ(read(), IoStatus::kOk);
  EXPECT_EQ(last, "request");
  EXPECT_EQ(read(), IoStatus::kEof);
  EXPECT_EQ(read(), IoStatus::kEof);
  Buffer response("answer");
  EXPECT_EQ(server->write(response).status, IoStatus::kOk);
  client.give_wire(receive_raw());
  EXPECT_EQ(client.receive(), "answer");
}

TEST_P(TlsStreamTest, ATruncatedStreamIsBrokenEvenIfTheContextWouldIgnoreIt) {
  server.reset();
  SSL_CTX_set_options(server_side.get(), SSL_OP_IGNORE_UNEXPECTED_EOF);
  SetUp();
  complete_handshake();
  client.send("part of a reque");
  send_raw(client.take_wire());
  ::shutdown(peer.get(), SHUT_WR);
  turn();
  EXPECT_EQ(read(), IoStatus::kOk);
  EXPECT_EQ(last, "part of a reque");
  IoStatus status = IoStatus::kOk;
  turn_until(loop, [&] { return (status = read()) != IoStatus::kWouldBlock; }, EventLoop::Wait::kNever);
  EXPECT_EQ(status, IoStatus::kBroken);
  EXPECT_EQ(server->failure_reason(), "eof");
  EXPECT_EQ(read(), IoStatus::kBroken);
}

TEST_P(TlsStreamTest, AResetIsBroken) {
  complete_handshake();
  EXPECT_EQ(read(), IoStatus::kWouldBlock);
  user.readable = 0;
  sockets::set_linger_reset(peer.get());
  peer.reset();
  turn_until(loop, [&] { return user.readable == 1; });
  EXPECT_EQ(read(), IoStatus::kBroken);
  EXPECT_EQ(server->failure_reason(), "reset");
  Buffer more("more");
  EXPECT_EQ(server->write(more).status, IoStatus::kBroken);
}

TEST_P(TlsStreamTest, ATamperedRecordIsBrokenAndAnsweredWithAnAlert) {
  complete_handshake();
  client.send("hello");
  std::string wire = client.take_wire();
  wire.back() = static_cast<char>(wire.back() ^ 1);
  send_raw(wire);
  IoStatus status = IoStatus::kOk;
  turn_until(loop, [&] { return (status = read()) != IoStatus::kWouldBlock; }, EventLoop::Wait::kNever);
  EXPECT_EQ(status, IoStatus::kBroken);
  EXPECT_FALSE(receive_raw().empty());
  Buffer more("more");
  EXPECT_EQ(server->write(more).status, IoStatus::kBroken);
}

TEST_P(TlsStreamTest, AHandshakeWithGarbageFailsWithAReason) {
  send_raw("GET / HTTP/1.1\r\n\r\n");
  EXPECT_EQ(server->handshake(), TlsStream::Handshake::kFailed);
  EXPECT_EQ(server->failure_reason(), "http request");
  EXPECT_EQ(server->handshake(), TlsStream::Handshake::kFailed);
  EXPECT_EQ(read(), IoStatus::kBroken);
}

TEST_P(TlsStreamTest, AHandshakeThatEndsEarlyFailsAsEof) {
  client.handshake();
  send_raw(client.take_wire().substr(0, 50));
  EXPECT_EQ(server->handshake(), TlsStream::Handshake::kInProgress);
  ::shutdown(peer.get(), SHUT_WR);
  turn_until(loop, [&] { return user.readable == 1; });
  EXPECT_EQ(server->handshake(), TlsStream::Handshake::kFailed);
  EXPECT_EQ(server->failure_reason(), "eof");
}

TEST_P(TlsStreamTest, ShutdownWriteSendsWhatIsPendingThenCloseNotifyThenFin) {
  complete_handshake();
  narrow(server->fd());
  Buffer out(pattern(1 << 20));
  std::string got;
  bool ended = false;
  user.then_writable = [&] {
    if (server->write(out).status != IoStatus::kBroken && out.empty()) server->shutdown_write();
  };
  user.then_writable();
  EXPECT_FALSE(out.empty());
  const auto at_fin = [&] {
    char bytes[16384];
    const ssize_t count = ::recv(peer.get(), bytes, sizeof bytes, 0);
    if (count > 0) client.give_wire({bytes, static_cast<std::size_t>(count)});
    got += client.receive();
    ended = count == 0;
    return ended;
  };
  turn_until(loop, at_fin, EventLoop::Wait::kNever);
  EXPECT_TRUE(got == pattern(1 << 20));
  EXPECT_TRUE(client.saw_close_notify());
}

TEST_P(TlsStreamTest, ShutdownWriteBeforeTheHandshakeIsAFin) {
  server->shutdown_write();
  char byte = 0;
  EXPECT_EQ(::recv(peer.get(), &byte, 1, 0), 0);
}

TEST_P(TlsStreamTest, TheUserMayDropTheStreamWhenCalled) {
  complete_handshake();
  EXPECT_EQ(read(), IoStatus::kWouldBlock);
  user.then_readable = [&] { server.reset(); };
  client.send("x");
  exchange();
  EXPECT_EQ(server, nullptr);
}

class Tls13Test : public TlsStreamTest {};
INSTANTIATE_TEST_SUITE_P(Versions, Tls13Test, testing::Values(TLS1_3_VERSION), version_name);

// The client speaks first, so its request goes with its Finished.
TEST_P(Tls13Test, BytesThatCameWithTheHandshakeAreReadWithoutACall) {
  TlsStream::Handshake step = server->handshake();
  user.then_readable = [&] { step = server->handshake(); };
  client.handshake();
  exchange();
  ASSERT_TRUE(client.handshake());
  client.send("early bird");
  exchange();
  ASSERT_EQ(step, TlsStream::Handshake::kDone);
  NotingUser next;
  server->set_user(&next);
  turn();
  EXPECT_EQ(next.readable, 1) << "the socket will not call for what is here already";
  EXPECT_EQ(read(), IoStatus::kOk);
  EXPECT_EQ(last, "early bird");
  server->set_user(nullptr);
}

TEST_P(Tls13Test, WhoAsksForKeyUpdatesAndNeverReadsTheAnswersIsCutOff) {
  complete_handshake();
  narrow(server->fd());
  IoStatus status = IoStatus::kOk;
  int asked = 0;
  for (; asked < 200000 && status != IoStatus::kBroken; asked += 100) {
    for (int i = 0; i < 100; ++i) {
      ASSERT_EQ(SSL_key_update(client.ssl(), SSL_KEY_UPDATE_REQUESTED), 1);
      ASSERT_EQ(SSL_do_handshake(client.ssl()), 1);
    }
    send_raw(client.take_wire());
    turn();
    status = read();
    ASSERT_LE(server->unsent(), std::size_t{256} * 1024);
  }
  EXPECT_EQ(status, IoStatus::kBroken) << asked;
}

TEST_P(Tls13Test, AKeyUpdateAmongDataIsAnsweredAndHarmless) {
  complete_handshake();
  for (int i = 0; i < 30; ++i) {
    client.send("before");
    ASSERT_EQ(SSL_key_update(client.ssl(), SSL_KEY_UPDATE_REQUESTED), 1);
    client.send("after");
    exchange();
    ASSERT_EQ(read_all(11), "beforeafter");
    Buffer response("answer");
    ASSERT_EQ(server->write(response).status, IoStatus::kOk);
    exchange();
    ASSERT_EQ(client.receive(), "answer");
  }
}

}  // namespace
}  // namespace gatehouse
