#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/h2_client.h"

namespace gatehouse::testing_support {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;

constexpr std::int32_t kNoLimit = 0x7fffffff;  // the first of two GOAWAYs refuses nothing

void hold(Exchange&) {}

void begin_response(Exchange& exchange, BodyLength length) {
  ResponseHead head;
  head.body = length;
  exchange.respond(std::move(head));
}

TEST(H2Responses, TrailersFollowTheBody) {
  FrontendWorld world;
  world.script = [](Exchange& exchange) {
    ResponseHead head;
    head.body = BodyLength::unknown();
    head.fields.add("X-Mixed-Case", "kept");
    exchange.respond(std::move(head));
    write_response(exchange, "body");
    FieldList trailers;
    trailers.add("Grpc-Status", "0");
    exchange.response_pipe().writer().finish(std::move(trailers));
  };
  H2Client client(world);
  const H2Response& response = client.response(client.get());
  EXPECT_EQ(response.field("x-mixed-case"), "kept");
  EXPECT_EQ(response.field("content-length"), "");
  EXPECT_EQ(response.body, "body");
  EXPECT_THAT(response.trailers, ElementsAre(Pair("grpc-status", "0")));
  EXPECT_TRUE(response.complete);
}

TEST(H2Responses, InterimHeadsGoOutFirst) {
  FrontendWorld world;
  world.script = [](Exchange& exchange) {
    exchange.respond_interim({.status = 103});
    exchange.respond({.status = 200}, "final");
  };
  H2Client client(world);
  const H2Response& response = client.response(client.get());
  EXPECT_THAT(response.interims, ElementsAre(103));
  EXPECT_EQ(response.status, 200);
}

// Around 64 KiB, where nghttp2 has a limit of its own, and up to what endpoints may send.
TEST(H2Responses, HeadsOfAnySizeArrive) {
  for (std::size_t size = 64'000; size < 68'000; size += size >= 65'300 && size < 65'600 ? 5 : 200) {
    FrontendWorld world;
    const std::string value(size, 'x');
    world.script = [&](Exchange& exchange) {
      ResponseHead interim{.status = 103};
      interim.fields.add("X-Interim", value);
      exchange.respond_interim(std::move(interim));
      ResponseHead head;
      head.body = BodyLength::unknown();
      head.fields.add("X-Head", value);
      exchange.respond(std::move(head));
      write_response(exchange, "body");
      FieldList trailers;
      trailers.add("X-Trailer", value);
      exchange.response_pipe().writer().finish(std::move(trailers));
    };
    H2Client client(world);
    const H2Response& response = client.response(client.get());
    EXPECT_THAT(response.interims, ElementsAre(103)) << size;
    EXPECT_EQ(response.field("x-head").size(), size);
    EXPECT_EQ(response.body, "body");
    EXPECT_THAT(response.trailers, ElementsAre(Pair("x-trailer", value)));
    EXPECT_TRUE(response.complete) << size;
  }
}

// No endpoint can send such ones; whatever else could, the client must not wait for ever.
TEST(H2Responses, AHeadOrTrailersThatCannotBeSentBreakTheAnswer) {
  const std::string huge(2 << 20, 'x');
  for (const bool in_head : {true, false}) {
    FrontendWorld world;
    world.script = [&](Exchange& exchange) {
      ResponseHead head;
      head.body = BodyLength::unknown();
      if (in_head) head.fields.add("X-Huge", huge);
      exchange.respond(std::move(head));
      write_response(exchange, "body");
      FieldList trailers;
      if (!in_head) trailers.add("X-Huge", huge);
      exchange.response_pipe().writer().finish(std::move(trailers));
    };
    H2Client client(world);
    const std::int32_t id = client.get();
    EXPECT_EQ(client.response(id).reset, NGHTTP2_INTERNAL_ERROR);
    EXPECT_FALSE(client.response(id).complete);
    ASSERT_THAT(world.ended, SizeIs(1));
    EXPECT_EQ(world.ended[0].fault, Fault::kInternalError);
    world.script = [](Exchange& exchange) { exchange.respond({.status = 200}, "hello"); };
    EXPECT_EQ(client.response(client.get()).body, "hello") << "others go on";
  }
}

TEST(H2Responses, HeadAnd204HaveNoBody) {
  FrontendWorld world;
  world.script = [](Exchange& exchange) {
    ResponseHead head;
    const bool is_head = exchange.request().is_head();
    head.status = is_head ? 200 : 204;
    head.body = is_head ? BodyLength::known(1234) : BodyLength::none();
    exchange.respond(std::move(head));
    exchange.response_pipe().writer().finish();
  };
  H2Client client(world);
  const std::int32_t head = client.ask({.method = "HEAD"});
  const std::int32_t get = client.get();
  EXPECT_EQ(client.response(head).field("content-length"), "1234");
  EXPECT_TRUE(client.response(head).complete);
  EXPECT_EQ(client.response(head).data_frames, 0U);
  EXPECT_EQ(client.response(get).status, 204);
  EXPECT_TRUE(client.response(get).complete);
  EXPECT_THAT(world.ended, SizeIs(2));
  for (const EndedExchange& one : world.ended) EXPECT_EQ(one.fault, std::nullopt);
}

TEST(H2Responses, ABrokenAnswerIsAResetAndNeverAnEnd) {
  FrontendWorld world;
  world.script = hold;
  H2Client client(world);
  for (const BodyLength length : {BodyLength::known(10), BodyLength::unknown()}) {
    const std::int32_t id = client.get();
    begin_response(*world.live.back(), length);
    write_response(*world.live.back(), "half");
    client.exchange_bytes();
    EXPECT_EQ(client.response(id).body, "half");
    world.live.back()->fail(Fault::kUpstreamTruncated);
    client.exchange_bytes();
    EXPECT_EQ(client.response(id).reset, NGHTTP2_INTERNAL_ERROR);
    EXPECT_FALSE(client.response(id).complete);
  }
  EXPECT_FALSE(client.server_closed());
}

TEST(H2Responses, LessThanTheLengthPromisesIsAReset) {
  FrontendWorld world;
  world.script = [](Exchange& exchange) {
    begin_response(exchange, BodyLength::known(100));
    write_response(exchange, "half");
    exchange.response_pipe().writer().finish();
  };
  H2Client client(world);
  const std::int32_t id = client.get();
  EXPECT_EQ(client.response(id).reset, NGHTTP2_INTERNAL_ERROR);
  EXPECT_FALSE(client.response(id).complete);
}

TEST(H2Responses, AnAnswerBeforeTheEndOfItsRequestTellsTheClientToStop) {
  FrontendWorld world;
  H2Client client(world);
  const std::int32_t id = client.ask({.method = "POST", .stays_open = true});
  EXPECT_EQ(client.response(id).body, "hello");
  EXPECT_TRUE(client.response(id).complete);
  EXPECT_EQ(client.response(id).reset, NGHTTP2_NO_ERROR);
  EXPECT_EQ(world.ended.at(0).fault, std::nullopt);
}

TEST(H2Responses, AClientsWindowStopsTheEndpointAtABound) {
  FrontendWorld world;
  world.script = [](Exchange& exchange) { begin_response(exchange, BodyLength::known(1 << 20)); };
  H2Client client(world, {.reads = false, .window = 20'000});
  const std::int32_t id = client.get();
  BodyWriter& writer = world.live[0]->response_pipe().writer();
  std::size_t written = 0;
  while (writer.room() > 0) {
    const std::size_t size = std::min<std::size_t>(writer.room(), 16384);
    write_response(*world.live[0], std::string(size, 'x'));
    written += size;
    client.exchange_bytes();
  }
  EXPECT_EQ(client.response(id).body.size(), 20'000U);
  EXPECT_EQ(written, 20'000U + 65536);
  client.open_window(id, 30'000);
  EXPECT_EQ(client.response(id).body.size(), 50'000U);
  EXPECT_EQ(writer.room(), 30'000U);
}

TEST(H2Responses, AClientThatGivesNoWindowIsResetAfterAWhile) {
  FrontendWorld world([](ListenerPolicy& policy) { policy.exchange.min_response_rate = 0; });
  world.script = [](Exchange& exchange) { exchange.respond({.status = 200}, std::string(1000, 'x')); };
  H2Client client(world, {.window = 0});
  const std::int32_t id = client.get();
  EXPECT_EQ(client.response(id).status, 200);
  world.pass(std::chrono::seconds(70));
  client.exchange_bytes();
  EXPECT_EQ(client.response(id).reset, NGHTTP2_CANCEL);
  EXPECT_EQ(world.ended.at(0).fault, Fault::kClientStalled);
}

TEST(H2Responses, ATinyWindowDoesNotMakeTinyFrames) {
  FrontendWorld world;
  world.script = [](Exchange& exchange) { exchange.respond({.status = 200}, std::string(10'000, 'x')); };
  H2Client client(world, {.reads = false, .window = 0});
  const std::int32_t id = client.get();
  for (int i = 0; i < 100; ++i) client.open_window(id, 1);
  EXPECT_EQ(client.response(id).data_frames, 0U);
  world.advance(std::chrono::milliseconds(201));
  client.exchange_bytes();
  EXPECT_EQ(client.response(id).data_frames, 1U);
  EXPECT_EQ(client.response(id).body.size(), 100U);
  client.open_window(id, 2000);
  EXPECT_EQ(client.response(id).data_frames, 2U);
  client.open_window(id, 20'000);
  EXPECT_TRUE(client.response(id).complete);
}

TEST(H2Responses, WhatAClientDoesNotReadFromItsSocketIsBounded) {
  FrontendWorld world;
  world.script = [](Exchange& exchange) { begin_response(exchange, BodyLength::unknown()); };
  H2Client client(world, {.window = 0x7fffffff});
  client.open_window(0, 0x7fff0000);
  for (int i = 0; i < 4; ++i) client.get();
  client.stream().set_room(16 * 1024);
  std::size_t written = 0;
  for (int i = 0; i < 100; ++i) {
    for (Exchange* exchange : world.live) {
      const std::size_t room = exchange->response_pipe().writer().room();
      if (room == 0) continue;
      write_response(*exchange, std::string(room, 'x'));
      written += room;
    }
    world.settle();
  }
  EXPECT_LE(written, 16U * 1024 + H2Connection::kOutputMark + 16 * 1024 + 4 * 65536);
  world.pass(std::chrono::seconds(70));
  EXPECT_EQ(world.context.connections.size(), 0U);
  EXPECT_THAT(world.live, IsEmpty());
}

TEST(H2Responses, DrainingTellsTheClientTwiceAndFinishesWhatRuns) {
  FrontendWorld world;
  world.script = hold;
  H2Client client(world);
  const std::int32_t running = client.get("/running");
  world.context.connections.drain_all();
  world.loop.turn(EventLoop::Wait::kNever);
  const std::int32_t late = client.get("/sent-before-the-client-knew");
  EXPECT_THAT(client.goaways(), ElementsAre(Pair(kNoLimit, NGHTTP2_NO_ERROR), Pair(late, NGHTTP2_NO_ERROR)));
  ASSERT_THAT(world.live, SizeIs(2));
  for (Exchange* exchange : std::vector(world.live)) exchange->respond({.status = 200}, "last");
  client.exchange_bytes();
  EXPECT_EQ(client.response(running).body, "last");
  EXPECT_EQ(client.response(late).body, "last");
  EXPECT_TRUE(client.server_closed());
}

TEST(H2Responses, AClientThatAnswersNoPingIsToldAfterASecond) {
  FrontendWorld world;
  world.script = hold;
  H2Client client(world);
  const std::int32_t running = client.get();
  world.context.connections.drain_all();
  world.settle();
  world.advance(std::chrono::milliseconds(1001));
  client.exchange_bytes();
  EXPECT_THAT(client.goaways(), ElementsAre(Pair(kNoLimit, NGHTTP2_NO_ERROR), Pair(running, NGHTTP2_NO_ERROR)));
}

TEST(H2Responses, AnIdleConnectionIsClosedWithAGoaway) {
  FrontendWorld world;
  H2Client client(world);
  client.get();
  world.advance(std::chrono::seconds(119));
  EXPECT_FALSE(client.server_closed());
  world.advance(std::chrono::seconds(2));
  EXPECT_TRUE(client.server_closed());
  EXPECT_THAT(client.goaways(), ElementsAre(Pair(1, NGHTTP2_NO_ERROR)));
}

TEST(H2Responses, AfterTheLastRequestThatIsAllowedTheConnectionDrains) {
  FrontendWorld world([](ListenerPolicy& policy) { policy.connection.max_requests = 2; });
  H2Client client(world);
  EXPECT_EQ(client.response(client.get()).status, 200);
  EXPECT_THAT(client.goaways(), IsEmpty());
  const std::int32_t last = client.get();
  EXPECT_EQ(client.response(last).status, 200);
  world.advance(std::chrono::milliseconds(1001));
  EXPECT_TRUE(client.server_closed());
  // With nothing left to wait for, the client's library does not look at a second one.
  EXPECT_THAT(client.goaways(), ElementsAre(Pair(kNoLimit, NGHTTP2_NO_ERROR)));
}

}  // namespace
}  // namespace gatehouse::testing_support
