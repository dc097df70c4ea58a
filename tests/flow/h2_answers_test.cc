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

void begin_answer(Exchange& exchange, BodyLength length) {
  ResponseHead head;
  head.body = length;
  exchange.respond(std::move(head));
}

TEST(H2Answers, TrailersFollowTheBody) {
  FrontendWorld world;
  world.script = [](Exchange& exchange) {
    ResponseHead head;
    head.body = BodyLength::unknown();
    head.fields.add("X-Mixed-Case", "kept");
    exchange.respond(std::move(head));
    write_answer(exchange, "body");
    FieldList trailers;
    trailers.add("Grpc-Status", "0");
    exchange.response_pipe().writer().finish(std::move(trailers));
  };
  H2Client client(world);
  const H2Answer& answer = client.answer(client.get());
  EXPECT_EQ(answer.field("x-mixed-case"), "kept");
  EXPECT_EQ(answer.field("content-length"), "");
  EXPECT_EQ(answer.body, "body");
  EXPECT_THAT(answer.trailers, ElementsAre(Pair("grpc-status", "0")));
  EXPECT_TRUE(answer.complete);
}

TEST(H2Answers, InterimHeadsGoOutFirst) {
  FrontendWorld world;
  world.script = [](Exchange& exchange) {
    exchange.respond_interim({.status = 103});
    exchange.respond({.status = 200}, "final");
  };
  H2Client client(world);
  const H2Answer& answer = client.answer(client.get());
  EXPECT_THAT(answer.interims, ElementsAre(103));
  EXPECT_EQ(answer.status, 200);
}

TEST(H2Answers, HeadAnd204HaveNoBody) {
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
  EXPECT_EQ(client.answer(head).field("content-length"), "1234");
  EXPECT_TRUE(client.answer(head).complete);
  EXPECT_EQ(client.answer(head).data_frames, 0U);
  EXPECT_EQ(client.answer(get).status, 204);
  EXPECT_TRUE(client.answer(get).complete);
  EXPECT_THAT(world.ended, SizeIs(2));
  for (const EndedExchange& one : world.ended) EXPECT_EQ(one.fault, std::nullopt);
}

TEST(H2Answers, ABrokenAnswerIsAResetAndNeverAnEnd) {
  FrontendWorld world;
  world.script = hold;
  H2Client client(world);
  for (const BodyLength length : {BodyLength::known(10), BodyLength::unknown()}) {
    const std::int32_t id = client.get();
    begin_answer(*world.live.back(), length);
    write_answer(*world.live.back(), "half");
    client.exchange_bytes();
    EXPECT_EQ(client.answer(id).body, "half");
    world.live.back()->fail(Fault::kUpstreamTruncated);
    client.exchange_bytes();
    EXPECT_EQ(client.answer(id).reset, NGHTTP2_INTERNAL_ERROR);
    EXPECT_FALSE(client.answer(id).complete);
  }
  EXPECT_FALSE(client.server_closed());
}

TEST(H2Answers, LessThanTheLengthPromisesIsAReset) {
  FrontendWorld world;
  world.script = [](Exchange& exchange) {
    begin_answer(exchange, BodyLength::known(100));
    write_answer(exchange, "half");
    exchange.response_pipe().writer().finish();
  };
  H2Client client(world);
  const std::int32_t id = client.get();
  EXPECT_EQ(client.answer(id).reset, NGHTTP2_INTERNAL_ERROR);
  EXPECT_FALSE(client.answer(id).complete);
}

TEST(H2Answers, AnAnswerBeforeTheEndOfItsRequestTellsTheClientToStop) {
  FrontendWorld world;
  H2Client client(world);
  const std::int32_t id = client.ask({.method = "POST", .stays_open = true});
  EXPECT_EQ(client.answer(id).body, "hello");
  EXPECT_TRUE(client.answer(id).complete);
  EXPECT_EQ(client.answer(id).reset, NGHTTP2_NO_ERROR);
  EXPECT_EQ(world.ended.at(0).fault, std::nullopt);
}

TEST(H2Answers, AClientsWindowStopsTheEndpointAtABound) {
  FrontendWorld world;
  world.script = [](Exchange& exchange) { begin_answer(exchange, BodyLength::known(1 << 20)); };
  H2Client client(world, {.reads = false, .window = 20'000});
  const std::int32_t id = client.get();
  BodyWriter& writer = world.live[0]->response_pipe().writer();
  std::size_t written = 0;
  while (writer.room() > 0) {
    const std::size_t size = std::min<std::size_t>(writer.room(), 16384);
    write_answer(*world.live[0], std::string(size, 'x'));
    written += size;
    client.exchange_bytes();
  }
  EXPECT_EQ(client.answer(id).body.size(), 20'000U);
  EXPECT_EQ(written, 20'000U + 65536);
  client.open_window(id, 30'000);
  EXPECT_EQ(client.answer(id).body.size(), 50'000U);
  EXPECT_EQ(writer.room(), 30'000U);
}

TEST(H2Answers, AClientThatGivesNoWindowIsResetAfterAWhile) {
  FrontendWorld world;
  world.script = [](Exchange& exchange) { exchange.respond({.status = 200}, std::string(1000, 'x')); };
  H2Client client(world, {.window = 0});
  const std::int32_t id = client.get();
  EXPECT_EQ(client.answer(id).status, 200);
  world.advance(std::chrono::seconds(31));
  client.exchange_bytes();
  EXPECT_EQ(client.answer(id).reset, NGHTTP2_CANCEL);
  EXPECT_EQ(world.ended.at(0).fault, Fault::kClientStalled);
}

TEST(H2Answers, ATinyWindowDoesNotMakeTinyFrames) {
  FrontendWorld world;
  world.script = [](Exchange& exchange) { exchange.respond({.status = 200}, std::string(10'000, 'x')); };
  H2Client client(world, {.reads = false, .window = 0});
  const std::int32_t id = client.get();
  for (int i = 0; i < 100; ++i) client.open_window(id, 1);
  EXPECT_EQ(client.answer(id).data_frames, 0U);
  world.advance(std::chrono::milliseconds(201));
  client.exchange_bytes();
  EXPECT_EQ(client.answer(id).data_frames, 1U);
  EXPECT_EQ(client.answer(id).body.size(), 100U);
  client.open_window(id, 2000);
  EXPECT_EQ(client.answer(id).data_frames, 2U);
  client.open_window(id, 20'000);
  EXPECT_TRUE(client.answer(id).complete);
}

TEST(H2Answers, WhatAClientDoesNotReadFromItsSocketIsBounded) {
  FrontendWorld world;
  world.script = [](Exchange& exchange) { begin_answer(exchange, BodyLength::unknown()); };
  H2Client client(world, {.window = 0x7fffffff});
  client.open_window(0, 0x7fff0000);
  for (int i = 0; i < 4; ++i) client.get();
  client.stream().set_room(16 * 1024);
  std::size_t written = 0;
  for (int i = 0; i < 100; ++i) {
    for (Exchange* exchange : world.live) {
      const std::size_t room = exchange->response_pipe().writer().room();
      if (room == 0) continue;
      write_answer(*exchange, std::string(room, 'x'));
      written += room;
    }
    world.settle();
  }
  EXPECT_LE(written, 16U * 1024 + H2Connection::kOutputMark + 16 * 1024 + 4 * 65536);
  world.advance(std::chrono::seconds(70));
  EXPECT_EQ(world.context.connections.size(), 0U);
  EXPECT_THAT(world.live, IsEmpty());
}

TEST(H2Answers, DrainingTellsTheClientTwiceAndFinishesWhatRuns) {
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
  EXPECT_EQ(client.answer(running).body, "last");
  EXPECT_EQ(client.answer(late).body, "last");
  EXPECT_TRUE(client.server_closed());
}

TEST(H2Answers, AClientThatAnswersNoPingIsToldAfterASecond) {
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

TEST(H2Answers, AnIdleConnectionIsClosedWithAGoaway) {
  FrontendWorld world;
  H2Client client(world);
  client.get();
  world.advance(std::chrono::seconds(119));
  EXPECT_FALSE(client.server_closed());
  world.advance(std::chrono::seconds(2));
  EXPECT_TRUE(client.server_closed());
  EXPECT_THAT(client.goaways(), ElementsAre(Pair(1, NGHTTP2_NO_ERROR)));
}

TEST(H2Answers, AfterTheLastRequestThatIsAllowedTheConnectionDrains) {
  FrontendWorld world([](ListenerPolicy& policy) { policy.connection.max_requests = 2; });
  H2Client client(world);
  EXPECT_EQ(client.answer(client.get()).status, 200);
  EXPECT_THAT(client.goaways(), IsEmpty());
  const std::int32_t last = client.get();
  EXPECT_EQ(client.answer(last).status, 200);
  world.advance(std::chrono::milliseconds(1001));
  EXPECT_TRUE(client.server_closed());
  // With nothing left to wait for, the client's library does not look at a second one.
  EXPECT_THAT(client.goaways(), ElementsAre(Pair(kNoLimit, NGHTTP2_NO_ERROR)));
}

}  // namespace
}  // namespace gatehouse::testing_support
