// How TlsStream moves much: the sizes of its records, its batches, and both directions at once.
#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "common/crypto/tls_stream.h"
#include "tests/support/tls_stream_case.h"

namespace gatehouse {
namespace {

using namespace std::chrono_literals;
using testing_support::client_context;
using testing_support::client_ssl;
using testing_support::connected_pair;
using testing_support::ContextPtr;
using testing_support::narrow;
using testing_support::pattern;
using testing_support::record_lengths;
using testing_support::server_context;
using testing_support::server_ssl;
using testing_support::SocketKind;
using testing_support::Talker;
using testing_support::turn_until;
using testing_support::version_name;

class TlsRecordTest : public testing_support::TlsStreamCase {};
INSTANTIATE_TEST_SUITE_P(Versions, TlsRecordTest, testing::Values(TLS1_2_VERSION, TLS1_3_VERSION), version_name);

TEST_P(TlsRecordTest, RecordsStartSmallGrowAndStartSmallAgainAfterASecondOfSilence) {
  ManualClock clock;
  EventLoop manual_loop(clock);
  server.reset();
  auto [ours, theirs] = connected_pair(SocketKind::kTcp);
  peer = std::move(theirs);
  server = std::make_unique<TlsStream>(manual_loop, std::make_unique<TcpStream>(manual_loop, std::move(ours)),
                                       server_ssl(*server_side));
  while (server->handshake() != TlsStream::Handshake::kDone) {
    manual_loop.turn(EventLoop::Wait::kNever);
    client.handshake();
    send_raw(client.take_wire());
    manual_loop.turn(EventLoop::Wait::kNever);
    client.give_wire(receive_raw());
  }
  static_cast<void>(receive_raw());
  const auto written = [&](std::size_t size) {
    Buffer out(pattern(size));
    std::string wire;
    while (server->write(out).status != IoStatus::kOk) {
      manual_loop.turn(EventLoop::Wait::kNever);
      wire += receive_raw();
    }
    return record_lengths(wire + receive_raw());
  };
  const std::vector<std::size_t> first = written(100000);
  EXPECT_LE(first.front(), 1400U) << "one segment";
  EXPECT_TRUE(std::is_sorted(first.begin(), first.end() - 1));
  EXPECT_GE(first[5], 16384U);
  clock.advance(999ms);
  EXPECT_GE(written(20000).front(), 16384U);
  clock.advance(1s);
  EXPECT_LE(written(20000).front(), 1400U);
  server.reset();
}

TEST_P(TlsRecordTest, SmallRunsShareARecord) {
  complete_handshake();
  static_cast<void>(receive_raw());
  Buffer warm(pattern(200000));
  while (server->write(warm).status != IoStatus::kOk) {
    turn();
    static_cast<void>(receive_raw());
  }
  while (!receive_raw().empty()) {
  }
  Buffer out;
  for (unsigned i = 0; i < 10; ++i) {
    Buffer part;
    part.append(pattern(1100, i));  // too large to be joined in the buffer
    out.append(std::move(part));
  }
  Buffer second;
  second.append(pattern(1100, 99));
  EXPECT_EQ(server->write(out).status, IoStatus::kOk);
  EXPECT_EQ(record_lengths(receive_raw()).size(), 1U);
}

// Two TlsStreams in one loop.
class TlsPairTest : public testing::TestWithParam<int> {
 protected:
  struct End final : ByteStream::User {
    std::unique_ptr<TlsStream> stream;
    TlsStream::Handshake step = TlsStream::Handshake::kInProgress;
    void on_readable() override { go_on(); }
    void on_writable() override { go_on(); }
    void go_on() {
      if (step == TlsStream::Handshake::kInProgress) step = stream->handshake();
    }
  };

  void SetUp() override {
    auto [one, two] = connected_pair(SocketKind::kTcp);
    narrow(one.get());
    narrow(two.get());
    server.stream =
        std::make_unique<TlsStream>(loop, std::make_unique<TcpStream>(loop, std::move(one)), server_ssl(*server_side));
    client.stream =
        std::make_unique<TlsStream>(loop, std::make_unique<TcpStream>(loop, std::move(two)), client_ssl(*client_side));
    server.stream->set_user(&server);
    client.stream->set_user(&client);
    server.go_on();
    client.go_on();
    turn_until(
        loop, [&] { return server.step == TlsStream::Handshake::kDone && client.step == TlsStream::Handshake::kDone; });
  }

  EventLoop loop;
  ContextPtr server_side = server_context(GetParam());
  ContextPtr client_side = client_context();
  End server;
  End client;
};

INSTANTIATE_TEST_SUITE_P(Versions, TlsPairTest, testing::Values(TLS1_2_VERSION, TLS1_3_VERSION), version_name);

TEST_P(TlsPairTest, CarriesMegabytesBothWaysAtOnceByteForByte) {
  const std::string there = pattern((5 << 20) + 77, 1);
  const std::string back = pattern((3 << 20) + 12345, 2);
  Talker left(*server.stream, there, 65536);
  Talker right(*client.stream, back, 3000);
  left.start();
  right.start();
  turn_until(loop, [&] { return left.received.size() == back.size() && right.received.size() == there.size(); });
  EXPECT_TRUE(left.received == back);
  EXPECT_TRUE(right.received == there);
  EXPECT_TRUE(left.all_sent());
  EXPECT_TRUE(right.all_sent());
  EXPECT_GT(left.blocked, 0);
  EXPECT_GT(right.blocked, 0);
  EXPECT_LE(left.most_unsent, std::size_t{96} * 1024) << "no more than a batch is kept";
  EXPECT_EQ(left.read_status, IoStatus::kWouldBlock);
}

TEST_P(TlsPairTest, AFullSocketStopsTheWriterAfterOneBatch) {
  Buffer out(pattern(8 << 20));
  const std::size_t before = out.size();
  const IoResult result = server.stream->write(out);
  EXPECT_EQ(result.status, IoStatus::kWouldBlock);
  EXPECT_EQ(result.bytes + out.size(), before);
  EXPECT_GT(server.stream->unsent(), 0U);
  EXPECT_LE(server.stream->unsent(), std::size_t{96} * 1024);
  const std::size_t left = out.size();
  EXPECT_EQ(server.stream->write(out).status, IoStatus::kWouldBlock);
  EXPECT_EQ(out.size(), left) << "nothing more is taken before the batch has left";
}

}  // namespace
}  // namespace gatehouse
