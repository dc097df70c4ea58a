#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/h2_client.h"

namespace gatehouse::testing_support {
namespace {

using testing::Contains;
using testing::Pair;
using testing::SizeIs;

void hold(Exchange&) {}

const Fields kPlainHead = {{":method", "GET"}, {":scheme", "http"}, {":authority", "shop.example.com"}, {":path", "/"}};

Fields head_with(std::string name, std::string value) {
  Fields fields = kPlainHead;
  fields.emplace_back(std::move(name), std::move(value));
  return fields;
}

TEST(H2Requests, AnAnswerGoesOutInOneWriteAndTheConnectionStaysOpen) {
  FrontendWorld world;
  H2Client client(world);
  const std::size_t before = client.server_stream().writes();
  const std::int32_t id = client.ask({.path = "/a?b=c"});
  EXPECT_EQ(client.server_stream().writes() - before, 1U);
  const H2Response& response = client.response(id);
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "hello");
  EXPECT_EQ(response.field("content-length"), "5");
  EXPECT_TRUE(response.complete);
  EXPECT_EQ(response.reset, std::nullopt);
  EXPECT_FALSE(client.server_closed());
  ASSERT_THAT(world.ended, SizeIs(1));
  EXPECT_EQ(world.ended[0].target, "/a?b=c");
  EXPECT_EQ(world.ended[0].fault, std::nullopt);
}

TEST(H2Requests, OurSettingsSayWhatIsEnforced) {
  FrontendWorld world([](ListenerPolicy& policy) { policy.connection.max_streams = 7; });
  H2Client client(world);
  EXPECT_THAT(client.settings(), Contains(Pair(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 7U)));
  EXPECT_THAT(client.settings(), Contains(Pair(NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, 32768U)));
  EXPECT_THAT(client.settings(), Contains(Pair(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 65536U)));
}

TEST(H2Requests, StreamsAreAnsweredInAnyOrder) {
  FrontendWorld world;
  world.script = hold;
  H2Client client(world);
  const std::int32_t first = client.get("/1");
  const std::int32_t second = client.get("/2");
  ASSERT_THAT(world.live, SizeIs(2));
  world.live[1]->respond({.status = 200}, "second");
  client.exchange_bytes();
  EXPECT_EQ(client.response(second).body, "second");
  EXPECT_EQ(client.response(first).status, 0);
  world.live[0]->respond({.status = 404}, "first");
  client.exchange_bytes();
  EXPECT_EQ(client.response(first).status, 404);
}

TEST(H2Requests, ABodyWithTrailersReachesTheEndpoint) {
  FrontendWorld world;
  world.script = hold;
  H2Client client(world);
  const std::int32_t id = client.ask({.method = "POST", .stays_open = true});
  client.send_data(id, "some bytes");
  client.send_trailers(id, {{"checksum", "42"}});
  ASSERT_THAT(world.live, SizeIs(1));
  EXPECT_EQ(world.live[0]->request().body.kind, BodyLength::Kind::kUnknown);
  EXPECT_EQ(take_request_body(*world.live[0]), "some bytes");
  BodyReader& reader = world.live[0]->request_pipe().reader();
  EXPECT_TRUE(reader.at_end());
  EXPECT_EQ(reader.trailers().find("checksum"), "42");
}

TEST(H2Requests, MalformedHeadsResetTheStreamAndOnlyThat) {
  const std::pair<std::string, std::string> bad[] = {
      {"x", "a\r\nb: c"},
      {"x", std::string("a\0b", 3)},
      {"x y", "1"},
      {"X", "1"},
      {"x:y", "1"},
      {"connection", "close"},
      {"te", "gzip"},
      {"transfer-encoding", "chunked"},
      {"content-length", "5"},
      {":status", "200"},
      {"upgrade", "h2c"},
      {"transfer_encoding", "chunked"},
      {"x", " a"},
      {"keep-alive", "1"},
      {":path", "/again"},
      {"", "1"},
  };
  for (const auto& [name, value] : bad) {
    FrontendWorld world;
    H2Client client(world);
    const std::int32_t id = client.ask_raw(head_with(name, value));
    EXPECT_EQ(client.response(id).reset, NGHTTP2_PROTOCOL_ERROR) << name << ": " << value;
    EXPECT_EQ(client.response(id).status, 0) << name;
    ASSERT_THAT(world.ended, SizeIs(1)) << name;
    EXPECT_EQ(world.ended[0].fault, Fault::kMalformedRequest) << name;
    EXPECT_EQ(client.response(client.get()).status, 200) << name;
  }
}

TEST(H2Requests, WhatIsWellFormedButRefusedIsAnswered) {
  struct Case {
    H2Request request;
    int status;
  };
  const Case cases[] = {{{.path = "/" + std::string(100, 'a')}, 414},
                        {{.fields = Fields(101, {"a", "b"})}, 431},
                        {{.fields = {{"a", std::string(40'000, 'b')}}}, 431},
                        {{.fields = {{"expect", "magic"}}}, 417}};
  for (const Case& one : cases) {
    FrontendWorld world([](ListenerPolicy& policy) { policy.head.max_target_bytes = 64; });
    H2Client client(world);
    const std::int32_t id = client.ask(one.request);
    EXPECT_EQ(client.response(id).status, one.status);
    EXPECT_TRUE(client.response(id).complete);
    EXPECT_FALSE(client.server_closed());
    EXPECT_THAT(world.ended, SizeIs(1));
  }
}

TEST(H2Requests, ALengthThatIsNotTheBodysResetsTheStream) {
  for (const std::string_view sent : {"shor", "too long"}) {
    FrontendWorld world;
    world.script = hold;
    H2Client client(world);
    const std::int32_t id = client.ask({.method = "POST", .fields = {{"content-length", "5"}}, .stays_open = true});
    client.send_data(id, sent, true);
    EXPECT_EQ(client.response(id).reset, NGHTTP2_PROTOCOL_ERROR);
    EXPECT_THAT(world.live, SizeIs(0));
    ASSERT_THAT(world.ended, SizeIs(1));
    EXPECT_EQ(world.ended[0].fault, Fault::kRequestBodyInvalid);
  }
}

TEST(H2Requests, TheStreamsWindowOpensAsTheEndpointReads) {
  FrontendWorld world;
  world.script = hold;
  H2Client client(world);
  std::string body(300 * 1024, 'b');
  for (std::size_t i = 0; i < body.size(); ++i) body[i] = static_cast<char>('a' + i / 1000 % 26);
  client.ask({.method = "POST", .body = body});
  ASSERT_THAT(world.live, SizeIs(1));
  Exchange& exchange = *world.live[0];
  EXPECT_EQ(exchange.request_pipe().reader().available(), 65536U);
  std::string got;
  for (int i = 0; i < 50 && !exchange.request_pipe().reader().at_end(); ++i) {
    got += take_request_body(exchange);
    client.exchange_bytes();
  }
  EXPECT_EQ(got, body);
}

// A round trip is what the client has window for, and the window for the next one.
TEST(H2Requests, AnUploadToAnEndpointThatKeepsUpIsNotSlowedByItsWindow) {
  constexpr std::size_t kSize = 10'000'000;
  constexpr std::size_t kMostWindow = H2Stream::kFirstWindow + UploadGrowth::kMost;
  FrontendWorld world;
  world.script = hold;
  H2Client client(world, {.room = 16UL * 1024 * 1024});
  const std::int32_t id = client.ask({.method = "POST", .stays_open = true});
  const auto window_of = [&](std::int32_t stream) {
    const std::int32_t window = stream == 0 ? nghttp2_session_get_remote_window_size(client.session())
                                            : nghttp2_session_get_stream_remote_window_size(client.session(), stream);
    return static_cast<std::size_t>(window);
  };
  std::size_t sent = 0;
  std::size_t round_trips = 0;
  std::size_t widest = 0;
  for (; sent < kSize && round_trips < 200; ++round_trips) {
    // What goes out as raw bytes the client's library knows nothing of: its windows only grow.
    const std::size_t window = std::min(window_of(id), window_of(0)) - sent;
    const std::size_t count = std::min(window, kSize - sent);
    widest = std::max(widest, window);
    client.send_data(id, std::string(count, 'x'));
    sent += count;
    for (int i = 0; i < 40; ++i) {
      take_request_body(*world.live.at(0));
      world.settle();
    }
    client.exchange_bytes();
  }
  EXPECT_EQ(sent, kSize);
  EXPECT_LE(round_trips, 12U);
  EXPECT_GE(widest, 1024U * 1024);
  EXPECT_LE(widest, kMostWindow);
  // When it has ended others start small.
  world.live.at(0)->respond({.status = 200}, "got it");
  client.send_data(id, "", true);
  const std::int32_t next = client.ask({.method = "POST", .stays_open = true});
  EXPECT_EQ(window_of(next), H2Stream::kFirstWindow);
}

TEST(H2Requests, AnEndpointThatDoesNotKeepUpLeavesTheWindowAsItIs) {
  FrontendWorld world;
  world.script = hold;
  H2Client client(world);
  client.ask({.method = "POST", .body = std::string(1 << 20, 'x')});
  for (int i = 0; i < 100; ++i) {
    EXPECT_LE(world.live.at(0)->request_pipe().reader().available(), H2Stream::kFirstWindow);
    world.live.at(0)->request_pipe().reader().read(8192);
    client.exchange_bytes();
  }
}

TEST(H2Requests, OneThatHasKeptUpAndStopsLeavesNoMoreThanItsWindow) {
  FrontendWorld world;
  world.script = hold;
  H2Client client(world, {.room = 16UL * 1024 * 1024});
  client.ask({.method = "POST", .body = std::string(20 << 20, 'x')});
  for (std::size_t taken = 0; taken < 8U << 20;) {
    taken += take_request_body(*world.live.at(0)).size();
    client.exchange_bytes();
  }
  for (int i = 0; i < 100; ++i) client.exchange_bytes();
  EXPECT_GT(world.live.at(0)->request_pipe().reader().available(), 512U * 1024);
  EXPECT_LE(world.live.at(0)->request_pipe().reader().available(), H2Stream::kFirstWindow + UploadGrowth::kMost);
}

TEST(H2Requests, OneSlowEndpointDoesNotStopTheUploadsOfOthers) {
  FrontendWorld world;
  world.script = [](Exchange& exchange) {
    if (exchange.request().target == "/fast") exchange.respond({.status = 200}, "got it");
  };
  H2Client client(world);
  for (int i = 0; i < 4; ++i) client.ask({.method = "POST", .path = "/slow", .body = std::string(200 * 1024, 's')});
  const std::int32_t fast = client.ask({.method = "POST", .path = "/fast", .body = std::string(60 * 1024, 'f')});
  EXPECT_EQ(client.response(fast).body, "got it");
}

TEST(H2Requests, WhatEndpointsLeaveUnreadIsBoundedPerConnection) {
  FrontendWorld world;
  world.script = hold;
  H2Client client(world, {.room = 16UL * 1024 * 1024});
  for (int i = 0; i < 60; ++i) client.ask({.method = "POST", .body = std::string(100 * 1024, 's')});
  std::size_t held = 0;
  for (Exchange* exchange : world.live) held += exchange->request_pipe().reader().available();
  EXPECT_GT(held, 512U * 1024);
  EXPECT_LE(held, 512U * 1024 + H2Connection::kConnectionWindow);
  // As they are read, the others go on.
  std::size_t total = 0;
  for (int i = 0; i < 200; ++i) {
    for (Exchange* exchange : world.live) total += take_request_body(*exchange).size();
    client.exchange_bytes();
  }
  EXPECT_EQ(total, 60U * 100 * 1024);
}

TEST(H2Requests, ACancelledStreamEndsItsExchangeAtOnce) {
  FrontendWorld world;
  world.script = hold;
  H2Client client(world);
  const std::int32_t id = client.get();
  EXPECT_THAT(world.live, SizeIs(1));
  client.cancel(id);
  EXPECT_THAT(world.live, SizeIs(0));
  EXPECT_EQ(world.ended.at(0).fault, Fault::kClientGone);
  EXPECT_EQ(client.response(client.get()).status, 0);
  EXPECT_FALSE(client.server_closed());
}

TEST(H2Requests, AConnectionThatVanishesEndsAllItsExchanges) {
  FrontendWorld world;
  world.script = hold;
  {
    H2Client client(world);
    for (int i = 0; i < 5; ++i) client.get();
    EXPECT_THAT(world.live, SizeIs(5));
  }
  world.settle();
  EXPECT_THAT(world.live, SizeIs(0));
  EXPECT_EQ(world.context.connections.size(), 0U);
  EXPECT_EQ(world.counters.connections[static_cast<std::size_t>(Protocol::kH2)].value(), 0U);
}

TEST(H2Requests, CrumbsOfACookieAreCountedAndJoined) {
  FrontendWorld world;
  world.script = hold;
  H2Client client(world);
  client.ask({.fields = {{"cookie", "a=1"}, {"cookie", "b=2"}}});
  ASSERT_THAT(world.live, SizeIs(1));
  EXPECT_EQ(request_of(world).fields.find("cookie"), "a=1; b=2");
  client.ask({.fields = Fields(180, {"cookie", "c"})});
  ASSERT_THAT(world.live, SizeIs(2)) << "as many as browsers keep for one site";
  const std::int32_t id = client.ask({.fields = Fields(501, {"cookie", "c"})});
  EXPECT_EQ(client.response(id).status, 431);
}

}  // namespace
}  // namespace gatehouse::testing_support
