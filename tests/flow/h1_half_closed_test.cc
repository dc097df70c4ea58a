#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/frontend_testing.h"

// What it means that an h1 client ends its half: that it has asked all that it will ask, or that it has gone.

namespace gatehouse::testing_support {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::size_t kPlenty = 256UL * 1024;

// Of routes whose half_closed is "abort": the listener does not know of it.
void hold(Exchange&) {}
void hold_for_the_patient(Exchange& exchange) {
  ExchangeLimits limits = exchange.limits();
  limits.half_closed = HalfClosed::kAbort;
  exchange.apply_limits(limits);
}

void expect_client_gone(const FrontendWorld& world, int status) {
  EXPECT_EQ(world.live.size(), 0U);
  ASSERT_EQ(world.ended.size(), 1U);
  EXPECT_EQ(world.ended[0].fault, Fault::kClientGone);
  EXPECT_EQ(world.ended[0].status, status);
}

TEST(H1HalfClosed, OverCleartextTheClientIsAnsweredHoweverLongItTakes) {
  FrontendWorld world;
  world.script = hold;
  TextClient client(world);
  client.send(get());
  client.finish_sending();
  world.pass(std::chrono::seconds(100));
  ASSERT_EQ(world.live.size(), 1U);
  world.live[0]->respond({.status = 200}, "late");
  world.settle();
  const std::string response = client.receive();
  EXPECT_EQ(body_of(response), "late");
  EXPECT_THAT(response, HasSubstr("Connection: close"));
  EXPECT_EQ(client.end(), IoStatus::kEof);
  EXPECT_EQ(world.ended.at(0).fault, std::nullopt);
}

TEST(H1HalfClosed, AnAnswerThatBeginsBehindTheEndIsServedInPieces) {
  FrontendWorld world;
  world.script = hold;
  TextClient client(world);
  client.send(get());
  client.finish_sending();
  Exchange& exchange = *world.live.at(0);
  exchange.respond({.status = 200, .body = BodyLength::unknown()});
  std::string response;
  for (int i = 0; i < 3; ++i) {
    write_response(exchange, "piece");
    world.advance(std::chrono::seconds(10));
    response += client.receive();
  }
  exchange.response_pipe().writer().finish();
  world.settle();
  response += client.receive();
  EXPECT_EQ(count_of(response, "piece"), 3U);
  EXPECT_THAT(response, testing::EndsWith("0\r\n\r\n"));
}

TEST(H1HalfClosed, PipelinedRequestsBeforeTheEndAreAnsweredInTheirOrder) {
  FrontendWorld world;
  world.script = hold;
  TextClient client(world);
  client.send(get("/1") + get("/2") + get("/3"));
  client.finish_sending();
  for (const std::string_view expected : {"/1", "/2", "/3"}) {
    world.advance(std::chrono::seconds(7));
    ASSERT_EQ(world.live.size(), 1U);
    EXPECT_EQ(request_of(world).target, expected);
    world.live[0]->respond({.status = 200}, expected);
    world.settle();
    EXPECT_EQ(body_of(client.receive()), expected);
  }
  EXPECT_EQ(client.end(), IoStatus::kEof);
}

TEST(H1HalfClosed, OverTlsTheClientHasGone) {
  FrontendWorld world;
  world.script = hold;
  TextClient client(world, MemoryStream::kRoom, true);
  client.send(get());
  client.finish_sending();
  expect_client_gone(world, 499);
}

TEST(H1HalfClosed, WhereTheRouteSaysSoTheClientHasGone) {
  FrontendWorld world;
  world.script = hold_for_the_patient;
  TextClient client(world);
  client.send(get());
  EXPECT_EQ(world.live.size(), 1U);
  client.finish_sending();
  expect_client_gone(world, 499);
  EXPECT_EQ(client.receive(), "");
}

// The end is there before anybody knows the route.
TEST(H1HalfClosed, TheRouteIsAskedAlsoWhereTheEndCameWithTheRequest) {
  FrontendWorld world;
  world.script = hold_for_the_patient;
  TextClient client(world);
  Buffer bytes(get("/1") + get("/2"));
  client.stream().write(bytes);
  client.stream().shutdown_write();
  world.settle();
  expect_client_gone(world, 499);
}

TEST(H1HalfClosed, DuringAnAnswerTheClientHasGone) {
  FrontendWorld world;
  world.script = hold;
  TextClient client(world);
  client.send(get());
  Exchange& exchange = *world.live.at(0);
  exchange.respond({.status = 200, .body = BodyLength::unknown()});
  write_response(exchange, "first event");
  world.settle();
  EXPECT_THAT(client.receive(), HasSubstr("first event"));
  client.finish_sending();
  expect_client_gone(world, 200);
  EXPECT_EQ(client.end(), IoStatus::kBroken) << "it must not look like the end of the answer";
}

// It asked and ended, and the answer was quicker than its end.
TEST(H1HalfClosed, AnEndThatIsOlderThanTheFirstByteAtTheClientIsNoGoodbye) {
  FrontendWorld world;
  world.script = hold;
  TextClient client(world);
  client.send(get());
  Exchange& exchange = *world.live.at(0);
  exchange.respond({.status = 200, .body = BodyLength::unknown()});
  write_response(exchange, "first");
  world.settle();
  client.finish_sending();
  ASSERT_EQ(world.live.size(), 1U);
  write_response(exchange, "last");
  exchange.response_pipe().writer().finish();
  world.settle();
  const std::string response = client.receive();
  EXPECT_THAT(response, HasSubstr("first"));
  EXPECT_THAT(response, HasSubstr("last"));
}

TEST(H1HalfClosed, AnUploadThatEndsHalfWayIsAborted) {
  FrontendWorld world;
  world.script = hold;
  TextClient client(world);
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf");
  client.finish_sending();
  expect_client_gone(world, 499);
}

// Nobody takes the upload, so that nothing more is read: the end stands behind bytes in the socket.
TEST(H1HalfClosed, AClientThatLeavesBehindUnreadBytesIsNoticedAtOnce) {
  for (const bool secure : {false, true}) {
    FrontendWorld world;
    world.script = hold;
    TextClient client(world, kPlenty, secure);
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n");
    Buffer bytes(std::string(3 * kPlenty, 'x'));
    client.stream().write(bytes);
    world.settle();
    ASSERT_EQ(world.live.size(), 1U);
    ASSERT_GT(client.server_stream().waiting(), 0U);
    if (secure) {
      client.finish_sending();
    } else {
      client.stream().abort_on_close();
      client.vanish();
    }
    expect_client_gone(world, 499);
  }
}

TEST(H1HalfClosed, AnUploadThatIsCompleteBehindUnreadBytesIsServed) {
  FrontendWorld world;
  world.script = hold;
  const std::string body(kPlenty, 'x');
  TextClient client(world, 2 * kPlenty);
  Buffer bytes(post(body));
  ASSERT_EQ(client.stream().write(bytes).status, IoStatus::kOk);
  client.stream().shutdown_write();
  world.settle();
  ASSERT_GT(client.server_stream().waiting(), 0U);
  ASSERT_EQ(world.live.size(), 1U);
  std::string got;
  while (got.size() < body.size() && world.live.size() == 1U) {
    got += take_request_body(*world.live[0]);
    world.advance(std::chrono::seconds(2));
  }
  ASSERT_EQ(got, body);
  world.live.at(0)->respond({.status = 200}, "stored");
  world.settle();
  EXPECT_EQ(body_of(client.receive()), "stored");
}

TEST(H1HalfClosed, AResetOfAHalfClosedClientIsNoticedAtOnce) {
  FrontendWorld world;
  world.script = hold;
  TextClient client(world);
  client.send(get());
  client.finish_sending();
  EXPECT_EQ(world.live.size(), 1U);
  client.stream().abort_on_close();
  client.vanish();
  expect_client_gone(world, 499);
}

TEST(H1HalfClosed, PipelinedRequestsOfAClientThatHasGoneAreNotServed) {
  FrontendWorld world;
  world.script = hold;
  TextClient client(world, MemoryStream::kRoom, true);
  client.send(get("/1"));
  client.send(get("/2") + get("/3"));
  client.finish_sending();
  expect_client_gone(world, 499);
  EXPECT_EQ(world.begun, 1);
}

}  // namespace
}  // namespace gatehouse::testing_support
