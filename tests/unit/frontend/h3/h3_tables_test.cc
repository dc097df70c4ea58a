// Sections that refer to the client's table: they wait for it, and the client is told what has been understood (RFC 9204
// sections 2.1.2, 2.2 and 4.4).
#include <string>

#include <gtest/gtest.h>

#include "tests/support/h3_session_world.h"

namespace gatehouse::testing_support {
namespace {

using namespace std::string_literals;

constexpr std::int64_t kEncoder = 6;
constexpr std::int64_t kDecoder = 11;  // ours
constexpr char kData = 0;
constexpr char kHeaders = 1;

std::string head_that_refers() {
  return h3_frame(kHeaders, qpack_head() + qpack_references(1));
}

TEST(H3Tables, ARequestThatRefersToTheTableIsServedAndAcknowledged) {
  H3SessionWorld world;
  EXPECT_EQ(world.receive(kEncoder, qpack_encoder_stream("x-a", "b")), std::nullopt);
  world.script = [](Exchange& exchange) {
    exchange.respond({.status = 200}, std::string(exchange.request().fields.find("x-a").value_or("")));
  };
  EXPECT_EQ(world.receive(4, head_that_refers(), true), std::nullopt);
  world.send_all();
  EXPECT_TRUE(world.sent[4].ends_with("b"));
  EXPECT_EQ(world.sent[kDecoder], "\3\x84") << "the type, and the section of stream 4";
}

TEST(H3Tables, InsertionsAreCountedForTheClient) {
  H3SessionWorld world;
  EXPECT_EQ(world.receive(kEncoder, qpack_encoder_stream("x-a", "b")), std::nullopt);
  world.send_all();
  EXPECT_EQ(world.sent[kDecoder], "\3\1"s);
  EXPECT_EQ(world.receive(kEncoder, "\0"s), std::nullopt) << "once more the same";
  world.send_all();
  EXPECT_EQ(world.sent[kDecoder], "\3\1\1"s);
}

TEST(H3Tables, ARequestWaitsForWhatItRefersToWithAllThatFollows) {
  const std::string stream = head_that_refers() + h3_frame(kData, "hello") + h3_frame(kData, " world");
  for (const std::size_t step : {std::size_t{1}, std::size_t{7}, stream.size()}) {
    H3SessionWorld world;
    std::string body;
    world.script = [&](Exchange& exchange) { body += take_request_body(exchange); };
    for (std::size_t at = 0; at < stream.size(); at += step) {
      EXPECT_EQ(world.receive(0, std::string_view(stream).substr(at, step), at + step >= stream.size()), std::nullopt);
    }
    EXPECT_EQ(world.begun, 0);
    const std::string instructions = qpack_encoder_stream("x-a", "b");
    for (const char byte : instructions) EXPECT_EQ(world.receive(kEncoder, {&byte, 1}), std::nullopt);
    ASSERT_EQ(world.live.size(), 1U);
    body += take_request_body(*world.live[0]);
    EXPECT_EQ(body, "hello world");
    EXPECT_EQ(world.live[0]->request().fields.find("x-a"), "b");
    EXPECT_TRUE(world.live[0]->request_pipe().reader().at_end());
    world.settle();
    EXPECT_EQ(world.transport.credited_in_all, stream.size() + instructions.size());
  }
}

TEST(H3Tables, TrailersWaitToo) {
  H3SessionWorld world;
  world.script = [](Exchange&) {};
  const std::string trailers = h3_frame(kHeaders, "\2\0\x80"s);
  EXPECT_EQ(world.receive(0, h3_head(h3_request("POST")) + h3_frame(kData, "body") + trailers, true), std::nullopt);
  ASSERT_EQ(world.live.size(), 1U);
  EXPECT_EQ(take_request_body(*world.live[0]), "body");
  EXPECT_FALSE(world.live[0]->request_pipe().reader().at_end());
  EXPECT_EQ(world.receive(kEncoder, qpack_encoder_stream("x-a", "b")), std::nullopt);
  ASSERT_TRUE(world.live[0]->request_pipe().reader().at_end());
  EXPECT_EQ(world.live[0]->request_pipe().reader().trailers().find("x-a"), "b");
}

TEST(H3Tables, SixteenMayWaitAndNoMore) {
  H3SessionWorld world;
  constexpr std::int64_t kMost = 16;
  for (std::int64_t i = 0; i < kMost; ++i) EXPECT_EQ(world.receive(4 * i, head_that_refers(), true), std::nullopt);
  EXPECT_EQ(world.receive(4 * kMost, head_that_refers(), true), NGHTTP3_QPACK_DECOMPRESSION_FAILED);
}

TEST(H3Tables, WhoWaitsIsResetAfterTheTimeForAHeadAndMakesRoom) {
  H3SessionWorld world;
  constexpr std::int64_t kMost = 16;
  for (std::int64_t i = 0; i < kMost; ++i) EXPECT_EQ(world.receive(4 * i, head_that_refers()), std::nullopt);
  world.pass(world.context.policy->connection.header_timeout + std::chrono::seconds(10));
  EXPECT_EQ(world.transport.reset_codes.size(), 16U);
  for (std::int64_t i = 0; i < kMost; ++i) world.close(4 * i);
  EXPECT_EQ(world.receive(4 * kMost, head_that_refers(), true), std::nullopt);
  EXPECT_EQ(world.receive(kEncoder, qpack_encoder_stream("x-a", "b")), std::nullopt);
  world.send_all();
  EXPECT_TRUE(world.ended_by_us.contains(4 * kMost));
}

TEST(H3Tables, AStreamThatClosesWhileItWaitsMakesRoom) {
  H3SessionWorld world;
  constexpr std::int64_t kMany = 40;
  for (std::int64_t i = 0; i < kMany; ++i) {
    EXPECT_EQ(world.receive(4 * i, head_that_refers(), true), std::nullopt);
    world.close(4 * i);
  }
}

TEST(H3Tables, ARequestThatIsGivenUpIsCancelledForTheClient) {
  H3SessionWorld world;
  EXPECT_EQ(world.receive(4, head_that_refers()), std::nullopt);
  world.session->client_reset(4);
  world.close(4);
  world.send_all();
  EXPECT_EQ(world.sent[kDecoder], "\3\x44") << "stream 4 is cancelled";
  EXPECT_EQ(world.receive(kEncoder, qpack_encoder_stream("x-a", "b")), std::nullopt);
}

TEST(H3Tables, NothingMoreIsOfferedForAStreamThatTheClientStopped) {
  H3SessionWorld world;
  world.send_all();
  EXPECT_EQ(world.receive(kEncoder, qpack_encoder_stream("x-a", "b")), std::nullopt);
  H3Session::Piece piece;
  EXPECT_TRUE(world.session->next(piece));
  EXPECT_EQ(piece.stream, kDecoder);
  world.session->unwritable(kDecoder);
  piece = {};
  EXPECT_TRUE(world.session->next(piece));
  EXPECT_EQ(piece.stream, -1);
}

TEST(H3Tables, AClientThatDoesNotTakeAcknowledgementsIsCutAndNotRemembered) {
  H3SessionWorld world;
  EXPECT_EQ(world.receive(kEncoder, qpack_encoder_stream("x-a", "b")), std::nullopt);
  world.send_all();
  world.session->blocked(kDecoder);
  std::optional<std::uint64_t> end;
  std::int64_t stream = 0;
  constexpr std::int64_t kFar = 4 * 100'000;
  for (; stream < kFar && !end; stream += 4) {
    end = world.receive(stream, head_that_refers(), true);
    world.send_all();
    world.close(stream);
    world.advance(std::chrono::milliseconds(10));
  }
  EXPECT_EQ(end, NGHTTP3_H3_EXCESSIVE_LOAD);
}

}  // namespace
}  // namespace gatehouse::testing_support
