// What the other side can make OpenSSL do is bounded: records that carry no data, and records of one turn.
#include <string>

#include <gtest/gtest.h>

#include "common/crypto/tls_stream.h"
#include "tests/support/tls_stream_case.h"

namespace gatehouse {
namespace {

using testing_support::pattern;
using testing_support::turn_until;
using testing_support::version_name;

class TlsFloodsTest : public testing_support::TlsStreamCase {
 protected:
  void SetUp() override {
    TlsStreamCase::SetUp();
    server->on_excess([this] { ++excesses; });
  }
  // Each a record of its own.
  void update_keys(int count) {
    for (int i = 0; i < count; ++i) {
      ASSERT_EQ(SSL_key_update(client.ssl(), SSL_KEY_UPDATE_NOT_REQUESTED), 1);
      ASSERT_TRUE(client.handshake());
    }
  }
  void arrive() {
    send_raw(client.take_wire());
    turn();
  }
  int excesses = 0;
};
class Tls13Floods : public TlsFloodsTest {};
INSTANTIATE_TEST_SUITE_P(Versions, TlsFloodsTest, testing::Values(TLS1_2_VERSION, TLS1_3_VERSION), version_name);
INSTANTIATE_TEST_SUITE_P(Versions, Tls13Floods, testing::Values(TLS1_3_VERSION), version_name);

TEST_P(Tls13Floods, SomeKeyUpdatesAreFineAndTooManyInARowBreakTheStream) {
  complete_handshake();
  update_keys(30);
  client.send("data");
  arrive();
  EXPECT_EQ(read(), IoStatus::kOk);
  EXPECT_EQ(last, "data");
  EXPECT_EQ(read(), IoStatus::kWouldBlock);
  update_keys(33);
  client.send("never seen");
  arrive();
  EXPECT_EQ(read(), IoStatus::kBroken);
  EXPECT_EQ(read(), IoStatus::kBroken);
  EXPECT_EQ(excesses, 1);
  EXPECT_EQ(server->failure_reason(), "too much without data");
}

TEST_P(Tls13Floods, KeyUpdatesAreAllowedByTheMebibyteOfData) {
  complete_handshake();
  const std::string data = pattern(1 << 18);
  const auto carry = [&](int updates) {
    update_keys(updates);
    client.send(data);
    EXPECT_TRUE(read_all(0).empty());
    std::string got;
    std::string wire = client.take_wire();
    const auto all = [&] {
      if (!wire.empty()) {
        const ssize_t sent = ::send(peer.get(), wire.data(), wire.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent > 0) wire.erase(0, static_cast<std::size_t>(sent));
      }
      IoStatus status = IoStatus::kOk;
      while ((status = read()) == IoStatus::kOk) got += last;
      return got.size() >= data.size() || status == IoStatus::kBroken;
    };
    turn_until(loop, all, EventLoop::Wait::kNever);
    return got.size();
  };
  for (int quarter = 0; quarter < 16; ++quarter) ASSERT_EQ(carry(8), data.size()) << quarter;
  std::size_t carried = 0;
  for (int quarter = 0; quarter < 8 && excesses == 0; ++quarter) carried += carry(16) == data.size() ? 1 : 0;
  EXPECT_EQ(excesses, 1) << "twice as many, at four times the allowance";
  EXPECT_GE(carried, 2U);
}

TEST_P(Tls13Floods, OneTurnLooksAtSoManyRecordsAndTheRestComesByItself) {
  complete_handshake();
  std::string text;
  for (int i = 0; i < 1000; ++i) {
    client.send("x");
    text += 'x';
  }
  std::size_t most = 0;
  std::string got;
  user.then_readable = [&] {
    std::size_t in_this_call = 0;
    while (read() == IoStatus::kOk) {
      in_this_call += last.size();
      got += last;
    }
    most = std::max(most, in_this_call);
  };
  EXPECT_EQ(read(), IoStatus::kWouldBlock);
  send_raw(client.take_wire());
  turn_until(loop, [&] { return got.size() == text.size(); }, EventLoop::Wait::kNever);
  EXPECT_EQ(got, text);
  EXPECT_LE(most, 128U);
  user.then_readable = nullptr;
}

TEST_P(TlsFloodsTest, AHelloInRecordsOfOneByteIsReadInManyTurns) {
  int calls = 0;
  TlsStream::Handshake step = server->handshake();
  user.then_readable = [&] {
    if (step != TlsStream::Handshake::kInProgress) return;
    ++calls;
    step = server->handshake();
  };
  static_cast<void>(client.handshake());
  const std::string hello = client.take_wire();
  std::string cut;
  for (std::size_t i = 5; i < hello.size(); ++i) cut += hello.substr(0, 3) + std::string{'\0', '\1'} + hello[i];
  send_raw(cut);
  for (int i = 0; i < 20; ++i) turn();
  EXPECT_GE(calls, 2);
  bool client_done = false;
  const auto both_done = [&] {
    client.give_wire(receive_raw());
    client_done = client.handshake() || client_done;
    send_raw(client.take_wire());
    turn();
    return client_done && step == TlsStream::Handshake::kDone;
  };
  turn_until(loop, both_done, EventLoop::Wait::kNever);
  EXPECT_EQ(step, TlsStream::Handshake::kDone);
  user.then_readable = nullptr;
}

}  // namespace
}  // namespace gatehouse
