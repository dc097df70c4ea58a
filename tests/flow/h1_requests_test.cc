#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/frontend_testing.h"

namespace gatehouse::testing_support {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

void hold(Exchange&) {}

TEST(H1Requests, AnAnswerGoesOutInOneWriteAndTheConnectionStaysOpen) {
  FrontendWorld world;
  TextClient client(world);
  const std::string response = client.ask(get());
  EXPECT_EQ(status_line(response), "HTTP/1.1 200 OK");
  EXPECT_THAT(response, HasSubstr("Content-Length: 5\r\n"));
  EXPECT_EQ(body_of(response), "hello");
  EXPECT_EQ(client.server_stream().writes(), 1U);
  EXPECT_EQ(client.server_stream().reads(), 1U);
  EXPECT_TRUE(client.open());
  ASSERT_EQ(world.ended.size(), 1U);
  EXPECT_EQ(world.ended[0].status, 200);
  EXPECT_EQ(world.ended[0].fault, std::nullopt);
  EXPECT_EQ(world.counters.connections[static_cast<std::size_t>(Protocol::kH1)].value(), 1U);
}

TEST(H1Requests, PipelinedRequestsAreAnsweredInTheirOrderOneAtATime) {
  FrontendWorld world;
  world.script = hold;
  TextClient client(world);
  client.send(get("/1") + post("two") + get("/3"));
  for (const std::string_view expected : {"/1", "/in", "/3"}) {
    ASSERT_EQ(world.live.size(), 1U);
    EXPECT_EQ(request_of(world).target, expected);
    world.live[0]->respond({.status = 200}, expected);
    world.settle();
    EXPECT_EQ(body_of(client.receive()), expected);
  }
  EXPECT_EQ(world.begun, 3);
  EXPECT_TRUE(client.open());
}

TEST(H1Requests, EveryByteMayComeAlone) {
  FrontendWorld world;
  std::string body;
  world.script = [](Exchange& exchange) {
    if (exchange.request().method == "GET") exchange.respond({.status = 200}, "hello");
  };
  TextClient client(world);
  const std::string chunked =
      "POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nwiki\r\n5;x=y\r\npedia\r\n0\r\nA: "
      "b\r\n\r\n";
  for (const char c : chunked) {
    client.send({&c, 1});
    if (!world.live.empty()) body += take_request_body(*world.live[0]);
  }
  ASSERT_EQ(world.live.size(), 1U);
  EXPECT_EQ(body, "wikipedia");
  BodyReader& reader = world.live[0]->request_pipe().reader();
  EXPECT_TRUE(reader.at_end());
  EXPECT_EQ(reader.trailers().find("a"), "b");
  world.live[0]->respond({.status = 200}, "done");
  world.settle();
  EXPECT_EQ(body_of(client.receive()), "done");
  std::string response;
  for (const char c : get()) response += client.ask({&c, 1});
  EXPECT_EQ(body_of(response), "hello");
}

TEST(H1Requests, AMalformedRequestIsAnsweredOnceAndWhatFollowsIsNeverParsed) {
  FrontendWorld world;
  TextClient client(world);
  const std::string response = client.ask("GET / HTTP/1.1\r\nHost: a\r\nBad Name: x\r\n\r\n" + get("/second"));
  EXPECT_EQ(status_line(response), "HTTP/1.1 400 Bad Request");
  EXPECT_THAT(response, HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(response, HasSubstr("Proxy-Status: "));
  EXPECT_EQ(count_of(response, "HTTP/1.1 "), 1U);
  EXPECT_EQ(client.end(), IoStatus::kEof);
  ASSERT_EQ(world.ended.size(), 1U);
  EXPECT_EQ(world.ended[0].fault, Fault::kMalformedRequest);
  EXPECT_EQ(world.live.size(), 0U);
}

TEST(H1Requests, AfterAnErrorTheClientsBytesAreDrainedSoThatItReadsTheAnswer) {
  FrontendWorld world;
  TextClient client(world);
  client.send("BREW tea\r\n\r\n");
  client.send(std::string(32 * 1024, 'x'));  // still on its way when the answer left
  EXPECT_EQ(client.stream().waiting() > 0, true);
  EXPECT_EQ(status_line(client.receive()), "HTTP/1.1 400 Bad Request");
  EXPECT_FALSE(client.stream().was_reset());
  world.advance(std::chrono::seconds(6));
  EXPECT_TRUE(client.stream().peer_gone());
  EXPECT_FALSE(client.stream().was_reset());
}

TEST(H1Requests, ALateHeadIsAnsweredWith408) {
  FrontendWorld world;
  TextClient client(world);
  client.send("GET / HT");
  world.advance(std::chrono::seconds(29));
  EXPECT_TRUE(client.open());
  client.send("TP/1.1\r\n");
  world.advance(std::chrono::seconds(2));
  EXPECT_EQ(status_line(client.receive()), "HTTP/1.1 408 Request Timeout");
  EXPECT_EQ(client.end(), IoStatus::kEof);
  ASSERT_EQ(world.ended.size(), 1U);
  EXPECT_EQ(world.ended[0].fault, Fault::kHeaderTimeout);
}

TEST(H1Requests, AnIdleConnectionIsClosedWithoutAWord) {
  FrontendWorld world;
  TextClient client(world);
  client.ask(get());
  world.advance(std::chrono::seconds(119));
  EXPECT_TRUE(client.open());
  world.advance(std::chrono::seconds(2));
  EXPECT_EQ(client.receive(), "");
  EXPECT_EQ(client.end(), IoStatus::kEof);
  EXPECT_EQ(world.counters.connections[static_cast<std::size_t>(Protocol::kH1)].value(), 0U);
}

TEST(H1Requests, TheLastRequestThatIsAllowedSaysClose) {
  FrontendWorld world([](ListenerPolicy& policy) { policy.connection.max_requests = 2; });
  TextClient client(world);
  EXPECT_THAT(client.ask(get()), Not(HasSubstr("Connection: close")));
  EXPECT_THAT(client.ask(get()), HasSubstr("Connection: close"));
  EXPECT_EQ(client.end(), IoStatus::kEof);
}

TEST(H1Requests, ABodyIsTakenNoFasterThanTheEndpointReadsIt) {
  FrontendWorld world;
  world.script = hold;
  TextClient client(world, 1024 * 1024);
  const std::string body(600 * 1024, 'b');
  client.send(post(body));
  ASSERT_EQ(world.live.size(), 1U);
  Exchange& exchange = *world.live[0];
  const std::size_t held = exchange.request_pipe().reader().available();
  EXPECT_GE(held, 64U * 1024);
  EXPECT_LE(held, 128U * 1024);
  EXPECT_GE(client.server_stream().waiting(), body.size() - 256 * 1024);
  std::string got;
  for (int i = 0; i < 100 && got.size() < body.size(); ++i) {
    got += take_request_body(exchange);
    world.settle();
  }
  EXPECT_EQ(got, body);
  EXPECT_TRUE(exchange.request_pipe().reader().at_end());
}

TEST(H1Requests, AClientThatLeavesInTheBodyCancelsTheExchange) {
  FrontendWorld world;
  world.script = hold;
  TextClient client(world);
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf");
  EXPECT_EQ(world.live.size(), 1U);
  client.vanish();
  EXPECT_EQ(world.live.size(), 0U);
  ASSERT_EQ(world.ended.size(), 1U);
  EXPECT_EQ(world.ended[0].fault, Fault::kClientGone);
}

TEST(H1Requests, ABadChunkAfterTheHeadIsAnsweredAndTheRestNotParsed) {
  FrontendWorld world;
  world.script = hold;
  TextClient client(world);
  const std::string response =
      client.ask("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n" + get("/second"));
  EXPECT_EQ(status_line(response), "HTTP/1.1 400 Bad Request");
  EXPECT_EQ(count_of(response, "HTTP/1.1 "), 1U);
  EXPECT_EQ(client.end(), IoStatus::kEof);
  EXPECT_EQ(world.ended.at(0).fault, Fault::kRequestBodyInvalid);
}

TEST(H1Requests, Http10IsClosedUnlessItAsksToBeKept) {
  FrontendWorld world;
  TextClient plain(world);
  const std::string response = plain.ask("GET / HTTP/1.0\r\nHost: a\r\n\r\n");
  EXPECT_THAT(response, StartsWith("HTTP/1."));
  EXPECT_EQ(plain.end(), IoStatus::kEof);
  TextClient kept(world);
  EXPECT_THAT(kept.ask("GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n"),
              HasSubstr("Connection: keep-alive"));
  EXPECT_TRUE(kept.open());
}

}  // namespace
}  // namespace gatehouse::testing_support
