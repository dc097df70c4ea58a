#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/frontend_testing.h"

namespace gatehouse::testing_support {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

void hold(Exchange&) {}

void begin_response(Exchange& exchange, BodyLength length) {
  ResponseHead head;
  head.body = length;
  exchange.respond(std::move(head));
}

TEST(H1Responses, ABodyOfUnknownLengthIsChunkedWithTrailersForWhoAskedForThem) {
  for (const bool wanted : {true, false}) {
    FrontendWorld world;
    world.script = [](Exchange& exchange) {
      begin_response(exchange, BodyLength::unknown());
      write_response(exchange, "one");
    };
    TextClient client(world);
    const std::string first = client.ask(get("/", wanted ? "TE: trailers\r\nConnection: TE\r\n" : ""));
    EXPECT_THAT(first, HasSubstr("Transfer-Encoding: chunked\r\n"));
    EXPECT_EQ(body_of(first), "3\r\none\r\n");
    write_response(*world.live[0], "two");
    FieldList trailers;
    trailers.add("Checksum", "42");
    world.live[0]->response_pipe().writer().finish(std::move(trailers));
    world.settle();
    EXPECT_EQ(client.receive(), wanted ? "3\r\ntwo\r\n0\r\nChecksum: 42\r\n\r\n" : "3\r\ntwo\r\n0\r\n\r\n");
    EXPECT_TRUE(client.open());
  }
}

TEST(H1Responses, ToHttp10AnUnknownLengthEndsWithTheConnection) {
  FrontendWorld world;
  world.script = [](Exchange& exchange) {
    begin_response(exchange, BodyLength::unknown());
    write_response(exchange, "all of it");
    exchange.response_pipe().writer().finish();
  };
  TextClient client(world);
  const std::string response = client.ask("GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_EQ(body_of(response), "all of it");
  EXPECT_THAT(response, Not(HasSubstr("chunked")));
  EXPECT_EQ(client.end(), IoStatus::kEof);
}

TEST(H1Responses, ABrokenAnswerIsNeverACleanEnd) {
  struct Case {
    std::string_view request;
    BodyLength length;
    IoStatus end;
  };
  const Case cases[] = {
      {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", BodyLength::known(10), IoStatus::kEof},
      {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", BodyLength::unknown(), IoStatus::kEof},
      {"GET / HTTP/1.0\r\nHost: a\r\n\r\n", BodyLength::unknown(), IoStatus::kBroken},
  };
  for (const Case& one : cases) {
    FrontendWorld world;
    world.script = hold;
    TextClient client(world);
    client.send(one.request);
    begin_response(*world.live[0], one.length);
    write_response(*world.live[0], "half");
    world.settle();
    world.live[0]->fail(Fault::kUpstreamTruncated);
    world.settle();
    const std::string response = client.receive();
    EXPECT_THAT(response, HasSubstr("half"));
    EXPECT_THAT(response, Not(HasSubstr("\r\n0\r\n")));
    EXPECT_EQ(client.end(), one.end);
    EXPECT_EQ(world.ended.at(0).fault, Fault::kUpstreamTruncated);
  }
}

TEST(H1Responses, AnAnswerBeforeTheEndOfItsRequestClosesTheConnection) {
  FrontendWorld world;
  TextClient client(world);
  const std::string response = client.ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nhalf");
  EXPECT_THAT(response, HasSubstr("Connection: close"));
  EXPECT_EQ(body_of(response), "hello");
  EXPECT_EQ(client.end(), IoStatus::kEof);
}

TEST(H1Responses, HeadAnd204And304HaveNoBody) {
  for (const int status : {200, 204, 304}) {
    FrontendWorld world;
    world.script = [status](Exchange& exchange) {
      ResponseHead head;
      head.status = static_cast<std::uint16_t>(status);
      head.body = status == 204 ? BodyLength::none() : BodyLength::known(1234);
      exchange.respond(std::move(head));
      exchange.response_pipe().writer().finish();
    };
    TextClient client(world);
    const std::string request = status == 200 ? "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n" : get();
    const std::string response = client.ask(request + request);
    EXPECT_EQ(count_of(response, "HTTP/1.1 " + std::to_string(status)), 2U);
    EXPECT_EQ(count_of(response, "Content-Length: 1234"), status == 204 ? 0U : 2U);
    EXPECT_THAT(response, EndsWith("\r\n\r\n"));
    EXPECT_TRUE(client.open());
  }
}

TEST(H1Responses, MoreOrLessThanTheLengthPromisesIsNoCleanEnd) {
  FrontendWorld world;
  world.script = [](Exchange& exchange) {
    begin_response(exchange, BodyLength::known(4));
    write_response(exchange, "123456789");
    exchange.response_pipe().writer().finish();
  };
  TextClient more(world);
  EXPECT_LE(body_of(more.ask(get())).size(), 4U);
  EXPECT_EQ(more.end(), IoStatus::kEof);
  world.script = [](Exchange& exchange) {
    begin_response(exchange, BodyLength::known(40));
    write_response(exchange, "123456789");
    exchange.response_pipe().writer().finish();
  };
  TextClient less(world);
  EXPECT_EQ(body_of(less.ask(get())), "123456789");
  EXPECT_EQ(less.end(), IoStatus::kEof);
}

TEST(H1Responses, ContinueGoesOutBeforeTheBodyIsSent) {
  FrontendWorld world;
  world.script = [](Exchange& exchange) { exchange.respond_interim({.status = 100}); };
  TextClient client(world);
  EXPECT_EQ(client.ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n"),
            "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("body");
  ASSERT_EQ(world.live.size(), 1U);
  EXPECT_EQ(take_request_body(*world.live[0]), "body");
  world.live[0]->respond({.status = 200}, "thanks");
  world.settle();
  EXPECT_EQ(body_of(client.receive()), "thanks");
  EXPECT_TRUE(client.open());
}

TEST(H1Responses, ASlowClientStopsTheEndpointAtABoundAndResumesItAsItReads) {
  FrontendWorld world;
  world.script = [](Exchange& exchange) { begin_response(exchange, BodyLength::known(1024UL * 1024)); };
  TextClient client(world, 32 * 1024);
  client.send(get());
  BodyWriter& writer = world.live[0]->response_pipe().writer();
  std::size_t written = 0;
  std::size_t before_it_stopped = 0;
  std::string got;
  for (int i = 0; i < 2000 && got.size() < 1024 * 1024; ++i) {
    while (written < 1024 * 1024 && writer.room() > 0) {
      const std::size_t size = std::min({writer.room(), std::size_t{16 * 1024}, 1024 * 1024 - written});
      writer.write(Buffer(std::string(size, static_cast<char>('a' + written / (16 * 1024) % 26))));
      written += size;
      world.settle();
    }
    if (before_it_stopped == 0) before_it_stopped = written;
    got += i == 0 ? body_of(client.receive()) : client.receive();
    if (written == 1024 * 1024 && !writer.ended()) writer.finish();
    world.settle();
  }
  EXPECT_LE(before_it_stopped, (32 + 64 + 64 + 16) * 1024U);
  EXPECT_EQ(got.size(), 1024U * 1024);
  EXPECT_EQ(got[500 * 1024], 'a' + 500 / 16 % 26);
}

TEST(H1Responses, AClientThatReadsNothingIsResetAfterAWhile) {
  FrontendWorld world([](ListenerPolicy& policy) { policy.exchange.min_response_rate = 0; });
  world.script = [](Exchange& exchange) {
    begin_response(exchange, BodyLength::known(1024UL * 1024));
    write_response(exchange, std::string(64 * 1024, 'x'));
  };
  TextClient client(world, 4096);
  client.send(get());
  write_response(*world.live[0], std::string(64 * 1024, 'x'));
  world.settle();
  world.pass(std::chrono::seconds(59));
  EXPECT_EQ(world.live.size(), 1U);
  world.pass(std::chrono::seconds(10));
  EXPECT_EQ(world.live.size(), 0U);
  EXPECT_TRUE(client.stream().was_reset());
  EXPECT_EQ(world.ended.at(0).fault, Fault::kClientStalled);
  EXPECT_EQ(world.counters.cut[static_cast<std::size_t>(Abuse::kStalled)].value(), 1U);
}

TEST(H1Responses, AClientThatDoesNotReadTheEndOfAnAnswerIsResetAsWell) {
  FrontendWorld world;
  world.script = [](Exchange& exchange) { exchange.respond({.status = 200}, std::string(32 * 1024, 'x')); };
  TextClient client(world, 4096);
  client.send(get());
  EXPECT_EQ(world.ended.size(), 1U);
  world.pass(std::chrono::seconds(70));
  EXPECT_TRUE(client.stream().was_reset());
  EXPECT_EQ(world.counters.cut[static_cast<std::size_t>(Abuse::kStalled)].value(), 1U);
}

TEST(H1Responses, PipelinedRequestsOfAClientThatDoesNotReadStayUnread) {
  FrontendWorld world;
  world.script = [](Exchange& exchange) { exchange.respond({.status = 200}, std::string(16 * 1024, 'x')); };
  TextClient client(world, 1024 * 1024);
  client.server_stream();
  client.stream().set_room(8 * 1024);  // on the way to the client
  std::string requests;
  for (int i = 0; i < 10'000; ++i) requests += get();
  client.send(requests);
  EXPECT_LE(world.begun, 12);
  EXPECT_GE(client.server_stream().waiting(), requests.size() - 128 * 1024);
}

TEST(H1Responses, DrainingClosesIdleConnectionsAtOnceAndOthersWithTheirAnswer) {
  FrontendWorld world;
  TextClient idle(world);
  idle.ask(get());
  world.script = hold;
  TextClient busy(world);
  busy.send(get());
  world.context.connections.drain_all();
  world.settle();
  EXPECT_EQ(idle.end(), IoStatus::kEof);
  EXPECT_TRUE(busy.open());
  world.live[0]->respond({.status = 200}, "last");
  world.settle();
  const std::string response = busy.receive();
  EXPECT_THAT(response, HasSubstr("Connection: close"));
  EXPECT_EQ(body_of(response), "last");
  EXPECT_EQ(busy.end(), IoStatus::kEof);
}

TEST(H1Responses, DrainingGivesWhoHasNotAskedYetASecond) {
  FrontendWorld world;
  world.script = [](Exchange& exchange) { exchange.respond({.status = 200}, "last"); };
  TextClient quick(world);
  TextClient silent(world);
  world.context.connections.drain_all();
  world.settle();
  world.advance(std::chrono::milliseconds(900));
  quick.send(get());
  const std::string response = quick.receive();
  EXPECT_THAT(response, HasSubstr("Connection: close"));
  EXPECT_EQ(body_of(response), "last");
  EXPECT_EQ(quick.end(), IoStatus::kEof);
  EXPECT_TRUE(silent.open());
  world.advance(std::chrono::milliseconds(200));
  EXPECT_EQ(silent.end(), IoStatus::kEof);
}

TEST(H1Responses, AtTheDeadlineARunningAnswerIsBrokenOff) {
  FrontendWorld world;
  world.script = [](Exchange& exchange) {
    begin_response(exchange, BodyLength::unknown());
    write_response(exchange, "half");
  };
  TextClient client(world);
  client.send(get());
  world.context.connections.close_all();
  world.settle();
  EXPECT_EQ(client.end(), IoStatus::kBroken);
  EXPECT_EQ(world.live.size(), 0U);
}

TEST(H1Responses, TheConnectionIdleLongestIsTheOneThatMakesRoom) {
  FrontendWorld world;
  TextClient first(world);
  TextClient second(world);
  first.ask(get());
  second.ask(get());
  first.ask(get());
  EXPECT_EQ(world.context.connections.make_room(1).total(), 0U);  // the next request may be on its way
  world.advance(ConnectionList::kQuiet);
  EXPECT_EQ(world.context.connections.make_room(1).idle, 1U);
  world.settle();
  EXPECT_TRUE(first.open());
  EXPECT_FALSE(second.open());
}

}  // namespace
}  // namespace gatehouse::testing_support
