// Plays the rows of h2_spec.h: as they are, and one byte at a time.
#include "tests/flow/h2_spec.h"

#include <chrono>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gatehouse::testing_support::h2_spec {
namespace {

constexpr std::uint32_t kStreams = 3;
constexpr std::int32_t kAfterwards = 2001;

enum class Pieces : bool { kWhole, kBytes };

void send(H2RawClient& client, const std::string& bytes, Pieces pieces) {
  if (pieces == Pieces::kWhole) return client.send(bytes);
  for (const char byte : bytes) client.send({&byte, 1});
}

bool responded(const H2RawClient& client, std::int32_t stream) {
  return std::ranges::any_of(client.frames(), [&](const H2RawClient::Frame& frame) {
    return frame.type == NGHTTP2_HEADERS && frame.stream == stream && frame.payload.contains('\x88');
  });
}

const H2RawClient::Frame* first_data(const H2RawClient& client) {
  const auto found = std::ranges::find(client.frames(), NGHTTP2_DATA, &H2RawClient::Frame::type);
  return found == client.frames().end() ? nullptr : &*found;
}

bool acknowledged(const H2RawClient& client, std::uint8_t type) {
  return std::ranges::any_of(client.frames(), [&](const H2RawClient::Frame& frame) {
    return frame.type == type && (frame.flags & NGHTTP2_FLAG_ACK) != 0;
  });
}

void expect(FrontendWorld& world, H2RawClient& client, const Outcome& outcome) {
  switch (outcome.kind) {
    case Outcome::Kind::kAnswered:
      EXPECT_TRUE(responded(client, outcome.stream));
      EXPECT_EQ(client.reset(outcome.stream), std::nullopt);
      break;
    case Outcome::Kind::kPing:
      EXPECT_TRUE(acknowledged(client, NGHTTP2_PING));
      break;
    case Outcome::Kind::kEnd:
      EXPECT_EQ(client.goaway().value_or(NGHTTP2_NO_ERROR), NGHTTP2_NO_ERROR);
      EXPECT_TRUE(client.closed());
      return;
    case Outcome::Kind::kSettings:
      EXPECT_TRUE(acknowledged(client, NGHTTP2_SETTINGS));
      break;
    case Outcome::Kind::kData:
      world.advance(std::chrono::milliseconds(201));  // small frames are held back for a while
      client.receive();
      ASSERT_NE(first_data(client), nullptr);
      EXPECT_EQ(first_data(client)->payload.size(), 1U);
      break;
    case Outcome::Kind::kStreamError:
      EXPECT_EQ(client.reset(outcome.stream), outcome.code);
      break;
    case Outcome::Kind::kConnectionError:
      EXPECT_EQ(client.goaway(), outcome.code);
      EXPECT_TRUE(client.closed());
      return;
  }
  EXPECT_EQ(client.goaway(), std::nullopt);
  EXPECT_FALSE(client.closed());
}

// Requests without a body, where the row has answers, are answered at once, others when they have ended.
void play(const Row& row, Pieces pieces) {
  FrontendWorld world([](ListenerPolicy& policy) { policy.connection.max_streams = kStreams; });
  bool answers = row.answers;
  const auto respond = [&](Exchange& exchange) {
    if (answers && !exchange.response()) exchange.respond({.status = 200}, "hello");
  };
  world.script = respond;
  H2RawClient client(world);
  client.greet();
  const std::size_t before = client.frames().size();
  ASSERT_EQ(before, 3U) << "SETTINGS, a window and an acknowledgement";
  for (const std::string& bytes : row.sent) send(client, bytes, pieces);
  answers = row.outcome.kind == Outcome::Kind::kAnswered || row.answers;
  for (Exchange* exchange : std::vector(world.live)) respond(*exchange);
  client.receive();
  expect(world, client, row.outcome);
  if (client.closed()) return;
  // Others go on.
  answers = true;
  for (Exchange* exchange : std::vector(world.live)) respond(*exchange);
  client.receive();
  client.send(window(65535) + head(kAfterwards));
  EXPECT_TRUE(responded(client, kAfterwards));
}

void play_all(std::span<const Row> rows) {
  for (const Row& row : rows) {
    for (const Pieces pieces : {Pieces::kWhole, Pieces::kBytes}) {
      SCOPED_TRACE(testing::Message() << row.section << ": " << row.what
                                      << (pieces == Pieces::kBytes ? ", byte by byte" : ""));
      play(row, pieces);
    }
  }
}

TEST(H2Spec, StreamsAreOpenedUsedAndClosedAsTheyMayBe) {
  play_all(stream_rows());
}

TEST(H2Spec, FramesAreWhatTheyHaveToBe) {
  play_all(frame_rows());
}

TEST(H2Spec, MalformedMessagesEndTheirStreamAlone) {
  play_all(message_rows());
}

TEST(H2Spec, WhatEveryServerHasToDo) {
  play_all(generic_rows());
}

TEST(H2Spec, HeaderBlocksAreDecodedOrTheConnectionEnds) {
  play_all(hpack_rows());
}

TEST(H2Spec, APrefaceThatIsNoneEndsTheConnection) {
  FrontendWorld world;
  H2RawClient client(world);
  client.send("INVALID CONNECTION PREFACE\r\n\r\n");
  EXPECT_EQ(client.goaway(), NGHTTP2_PROTOCOL_ERROR);
  EXPECT_TRUE(client.closed());
}

TEST(H2Spec, ThePrefaceOfTheServerIsItsSettings) {
  FrontendWorld world;
  H2RawClient client(world);
  client.greet();
  EXPECT_EQ(client.frames().at(0).type, NGHTTP2_SETTINGS);
  EXPECT_EQ(client.frames().at(0).flags, 0);
}

TEST(H2Spec, TheLastStreamThatAConnectionCanHaveEndsItInGoodOrder) {
  FrontendWorld world;
  H2RawClient client(world);
  client.greet();
  client.send(head(INT32_MAX));
  EXPECT_EQ(client.goaway(), NGHTTP2_NO_ERROR);
  EXPECT_TRUE(responded(client, INT32_MAX));
  world.advance(std::chrono::milliseconds(1001));
  EXPECT_TRUE(client.closed());
}

}  // namespace
}  // namespace gatehouse::testing_support::h2_spec
