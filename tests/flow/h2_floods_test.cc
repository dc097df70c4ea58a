#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/frontend/accept/clear_accept.h"
#include "tests/support/h2_raw_client.h"

namespace gatehouse::testing_support {
namespace {

using testing::Contains;
using testing::IsEmpty;
using testing::Pair;

constexpr auto kCalm = NGHTTP2_ENHANCE_YOUR_CALM;

void hold(Exchange&) {}

std::string many(std::size_t count, const std::string& frame) {
  std::string frames;
  for (std::size_t i = 0; i < count; ++i) frames += frame;
  return frames;
}

void expect_goaway(H2Client& client, std::uint32_t code) {
  client.exchange_bytes();
  EXPECT_THAT(client.goaways(), Contains(Pair(testing::_, code)));
  EXPECT_TRUE(client.server_closed());
}

std::uint64_t cut(const FrontendWorld& world, Abuse why) {
  return world.counters.cut[static_cast<std::size_t>(why)].value();
}

// A request without a body and its cancellation, for as many streams as asked, in raw frames.
std::string rapid_resets(std::int32_t first, std::size_t count) {
  // :method GET, :scheme http, :path / of the static table, and an authority.
  const std::string head = {'\x82', '\x86', '\x84', '\x01', '\x01', 'a'};
  std::string frames;
  for (std::int32_t id = first; count > 0; id += 2, --count) {
    frames += h2_frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM, id, head);
    frames += h2_frame(NGHTTP2_RST_STREAM, 0, id, std::string("\0\0\0\x08", 4));
  }
  return frames;
}

TEST(H2Floods, RapidResetsEndTheConnectionBeforeTheyReachTheEndpoint) {
  FrontendWorld world;
  world.script = hold;
  H2Client client(world);
  client.send_raw(rapid_resets(1, 1000));
  expect_goaway(client, kCalm);
  EXPECT_LE(world.begun, 300);
}

// As a map does that is dragged: it wants other tiles before these have come.
TEST(H2Floods, APageThatCancelsAllItAsksForKeepsItsConnectionAndItsDownload) {
  FrontendWorld world;
  world.script = hold;
  H2Client client(world);
  const std::int32_t download = client.get("/download");
  for (int second = 0; second < 60; ++second) {
    for (int i = 0; i < 50; ++i) client.cancel(client.get());
    world.advance(std::chrono::seconds(3));
    ASSERT_THAT(client.goaways(), IsEmpty()) << second;
  }
  world.live.at(0)->respond({.status = 200}, "all of it");
  client.exchange_bytes();
  EXPECT_EQ(client.response(download).body, "all of it");
}

TEST(H2Floods, CancellingHalfOfWhatIsAskedForIsFine) {
  FrontendWorld world;
  world.script = [](Exchange& exchange) {
    if (exchange.request().target == "/wanted") exchange.respond({.status = 200}, "hello");
  };
  H2Client client(world);
  for (int i = 0; i < 600; ++i) {
    const std::int32_t wanted = client.get("/wanted");
    client.cancel(client.get("/not"));
    world.advance(std::chrono::milliseconds(50));
    ASSERT_EQ(client.response(wanted).body, "hello") << i;
  }
  EXPECT_THAT(client.goaways(), IsEmpty());
}

TEST(H2Floods, CancellingMostOfWhatIsAskedForAtOnceEndsTheConnection) {
  FrontendWorld world;
  world.script = hold;
  H2Client client(world);
  int asked = 0;
  for (; client.goaways().empty() && asked < 1000; ++asked) {
    const std::int32_t stream = client.get();
    if (asked % 3 == 0) world.live.back()->respond({.status = 200}, "hello");
    if (asked % 3 != 0) client.cancel(stream);
    world.advance(std::chrono::milliseconds(1));
  }
  expect_goaway(client, kCalm);
  EXPECT_LE(asked, 210);
}

TEST(H2Floods, ResetsThatTheClientProvokesCostAsMuch) {
  FrontendWorld world;
  world.script = hold;
  H2Client client(world);
  int asked = 0;
  for (; client.goaways().empty() && asked < 300; ++asked) {
    client.ask_raw(
        {{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}, {":path", "/"}, {"connection", "close"}});
  }
  expect_goaway(client, kCalm);
  EXPECT_LE(asked, 150);
}

TEST(H2Floods, PingsAndUnknownFramesAreCounted) {
  const std::string ping = h2_frame(NGHTTP2_PING, 0, 0, "12345678");
  const std::string unknown = h2_frame(0x42, 0, 0, "what");
  const std::string priority = h2_frame(NGHTTP2_PRIORITY, 0, 1, std::string("\0\0\0\x03\x10", 5));
  struct Case {
    std::string frame;
    std::size_t allowed;
    std::size_t flood;
  };
  for (const Case& one : {Case{ping, 90, 150}, Case{unknown, 900, 1100}, Case{priority, 900, 1100}}) {
    FrontendWorld world;
    H2Client fine(world);
    fine.send_raw(many(one.allowed, one.frame));
    EXPECT_FALSE(fine.server_closed());
    EXPECT_THAT(fine.goaways(), IsEmpty());
    EXPECT_EQ(fine.response(fine.get()).status, 200);
    H2Client client(world);
    client.send_raw(many(one.flood, one.frame));
    expect_goaway(client, kCalm);
  }
}

TEST(H2Floods, AcknowledgementsOfPingsThatNobodySentAreCounted) {
  FrontendWorld world;
  H2RawClient client(world);
  client.greet();
  client.send(many(90, h2_frame(NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, "12345678")));
  EXPECT_EQ(client.goaway(), std::nullopt);
  client.send(many(20, h2_frame(NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, "12345678")));
  EXPECT_EQ(client.goaway(), kCalm);
  EXPECT_EQ(cut(world, Abuse::kControl), 1U);
}

TEST(H2Floods, WindowsThatNothingGivesReasonForAreCounted) {
  // Of the connection, of a stream that is open, and of one that has been answered.
  for (const std::int32_t stream : {0, 1, 3}) {
    FrontendWorld world;
    world.script = [](Exchange& exchange) {
      if (exchange.request().target == "/done") exchange.respond({.status = 200}, "hello");
    };
    H2Client client(world);
    client.get();
    client.get("/done");
    client.send_raw(many(900, h2_window_update(stream, 1)));
    EXPECT_THAT(client.goaways(), IsEmpty());
    client.send_raw(many(200, h2_window_update(stream, 1)));
    expect_goaway(client, kCalm);
    EXPECT_EQ(cut(world, Abuse::kWindow), 1U);
  }
}

// As libraries do that give window back for each frame, or for each KiB that is read.
TEST(H2Floods, AWindowForWhateverHasComeIsFine) {
  FrontendWorld world;
  world.script = hold;
  H2RawClient client(world);
  client.greet();
  const std::string request = {'\x82', '\x86', '\x84', '\x01', '\x01', 'a'};
  client.send(h2_frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM, 1, request));
  ResponseHead head;
  head.body = BodyLength::unknown();
  world.live.at(0)->respond(std::move(head));
  for (int i = 0; i < 1500; ++i) {
    const std::size_t size = i % 3 == 0 ? 4096 : 1;
    write_response(*world.live.at(0), std::string(size, 'x'));
    world.settle();
    std::string windows;
    for (std::size_t opened = 0; opened < size; opened += 1024) {
      const auto by = static_cast<std::uint32_t>(std::min<std::size_t>(size - opened, 1024));
      windows += h2_window_update(0, by) + h2_window_update(1, by);
    }
    client.send(windows);
    ASSERT_EQ(client.goaway(), std::nullopt) << i;
  }
  EXPECT_EQ(client.count(NGHTTP2_DATA), 1500U);
}

TEST(H2Floods, WhatGoesOnOnStreamsThatWeHaveClosedIsCounted) {
  const std::string nothing = h2_frame(NGHTTP2_DATA, 0, 1, "");
  const std::string byte = h2_frame(NGHTTP2_DATA, 0, 1, "x");
  const std::string trailers = h2_frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 1, "");
  for (const std::string& frame : {nothing, byte, trailers}) {
    FrontendWorld world;
    H2Client client(world);
    const std::int32_t id = client.ask({.method = "POST", .stays_open = true});
    ASSERT_EQ(client.response(id).reset, NGHTTP2_NO_ERROR);
    client.send_raw(many(1000, frame));
    EXPECT_THAT(client.goaways(), IsEmpty()) << "as much as may be on its way";
    client.send_raw(many(200, frame));
    expect_goaway(client, kCalm);
    EXPECT_EQ(cut(world, Abuse::kClosedStream), 1U);
  }
}

TEST(H2Floods, SoItIsOnStreamsThatNobodyRemembers) {
  FrontendWorld world;
  H2Client client(world);
  const std::int32_t id = client.ask({.method = "POST", .stays_open = true});
  for (int i = 0; i < 200; ++i) client.get();
  client.send_raw(many(2000, h2_frame(NGHTTP2_DATA, 0, id, "x")));
  expect_goaway(client, kCalm);
  EXPECT_EQ(cut(world, Abuse::kClosedStream), 1U);
}

TEST(H2Floods, AnUploadThatIsOlderThanAnythingRememberedGoesOn) {
  FrontendWorld world;
  world.script = [](Exchange& exchange) {
    if (exchange.request().method == "GET") exchange.respond({.status = 200}, "hello");
  };
  H2Client client(world);
  const std::int32_t id = client.ask({.method = "POST", .stays_open = true});
  for (int i = 0; i < 200; ++i) client.get();
  for (int i = 0; i < 3000; ++i) {
    client.send_raw(h2_frame(NGHTTP2_DATA, 0, id, "x"));
    take_request_body(*world.live.at(0));
  }
  EXPECT_THAT(client.goaways(), IsEmpty());
  client.send_data(id, "end", true);
  world.live.at(0)->respond({.status = 200}, "all of it");
  client.exchange_bytes();
  EXPECT_EQ(client.response(id).body, "all of it");
}

TEST(H2Floods, FramesOfAClientThatBreaksStreamsRulesCostAsResetsDo) {
  FrontendWorld world;
  world.script = hold;
  H2RawClient client(world);
  client.greet();
  const std::string head = {'\x82', '\x86', '\x84', '\x01', '\x01', 'a'};
  client.send(h2_frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 1, head) + h2_reset(1));
  client.send(many(150, h2_frame(NGHTTP2_DATA, 0, 1, "x")));
  EXPECT_EQ(client.goaway(), kCalm);
  EXPECT_EQ(cut(world, Abuse::kForcedReset), 1U);
}

TEST(H2Floods, SettingsAreCounted) {
  FrontendWorld world;
  H2Client client(world);
  client.send_raw(many(150, h2_frame(NGHTTP2_SETTINGS, 0, 0, "")));
  expect_goaway(client, kCalm);
}

TEST(H2Floods, EmptyDataIsCountedPerStream) {
  FrontendWorld world;
  world.script = hold;
  H2Client client(world);
  const std::int32_t id = client.ask({.method = "POST", .stays_open = true});
  client.send_raw(many(99, h2_frame(NGHTTP2_DATA, 0, id, "")));
  EXPECT_THAT(client.goaways(), IsEmpty());
  client.send_raw(many(10, h2_frame(NGHTTP2_DATA, 0, id, "")));
  expect_goaway(client, kCalm);
}

TEST(H2Floods, ContinuationsWithoutEndEndTheConnection) {
  FrontendWorld world;
  H2Client client(world);
  client.send_raw(h2_frame(NGHTTP2_HEADERS, 0, 1, "\x82") + many(20, h2_frame(NGHTTP2_CONTINUATION, 0, 1, "")));
  expect_goaway(client, kCalm);
  EXPECT_EQ(cut(world, Abuse::kExcessiveHead), 1U);
  EXPECT_EQ(world.begun, 0);
}

TEST(H2Floods, AsManyContinuationsAsAllowedMayComeByteByByte) {
  FrontendWorld world;
  H2RawClient client(world);
  client.greet();
  const std::string head = {'\x82', '\x86', '\x84', '\x01', '\x01', 'a'};
  const std::string frames = h2_frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_STREAM, 1, head) +
                             many(7, h2_frame(NGHTTP2_CONTINUATION, 0, 1, "")) +
                             h2_frame(NGHTTP2_CONTINUATION, NGHTTP2_FLAG_END_HEADERS, 1, "");
  for (const char byte : frames) client.send({&byte, 1});
  EXPECT_EQ(world.begun, 1);
  EXPECT_EQ(client.goaway(), std::nullopt);
}

TEST(H2Floods, SettingsThatAreNeverAcknowledgedEndTheConnection) {
  FrontendWorld world;
  H2Client client(world, {.acknowledges_settings = false});
  client.exchange_bytes();
  world.advance(std::chrono::seconds(11));
  expect_goaway(client, NGHTTP2_SETTINGS_TIMEOUT);
  EXPECT_EQ(cut(world, Abuse::kUnacknowledgedSettings), 1U);
}

TEST(H2Floods, AHeadThatNeverEndsEndsTheConnection) {
  FrontendWorld world;
  H2Client client(world);
  client.send_raw(h2_frame(NGHTTP2_HEADERS, 0, 1, "\x82"));
  world.advance(std::chrono::seconds(31));
  expect_goaway(client, kCalm);
  EXPECT_EQ(cut(world, Abuse::kUnfinishedHead), 1U);
}

TEST(H2Floods, WhatIsNotHttp2IsTurnedAway) {
  FrontendWorld world;
  auto [client, server] = MemoryStream::make_pair(world.loop);
  world.context.connections.add(
      std::make_unique<H2Connection>(world.context, ClientTransport{.stream = std::move(server)}));
  Buffer text(get());
  client->write(text);
  world.settle();
  Buffer response;
  while (client->read(response, 4096).status == IoStatus::kOk) {
  }
  // SETTINGS, then GOAWAY(PROTOCOL_ERROR).
  EXPECT_THAT(response.to_string(), testing::EndsWith(std::string("\0\0\0\0\0\0\0\x01", 8)));
  EXPECT_EQ(world.begun, 0);
  EXPECT_EQ(cut(world, Abuse::kProtocolError), 1U);
}

TEST(H2Floods, AnEndThatNghttp2DecidesIsToldOfAsWell) {
  FrontendWorld world;
  H2Client client(world);
  // WINDOW_UPDATE for a stream that has never been opened (RFC 9113 section 5.1).
  client.send_raw(h2_frame(NGHTTP2_WINDOW_UPDATE, 0, 7, std::string("\0\0\0\x01", 4)));
  expect_goaway(client, NGHTTP2_PROTOCOL_ERROR);
  EXPECT_EQ(cut(world, Abuse::kProtocolError), 1U);
}

TEST(H2Floods, AClientThatTakesNothingIsToldOfInTheEnd) {
  FrontendWorld world;
  world.script = [](Exchange& exchange) { exchange.respond({.status = 200}, std::string(32 * 1024, 'x')); };
  H2Client client(world);
  client.stream().set_room(1024);
  nghttp2_session_set_local_window_size(client.session(), NGHTTP2_FLAG_NONE, 0, 1 << 20);
  Buffer request(h2_frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM, 1,
                          std::string{'\x82', '\x86', '\x84', '\x01', '\x01', 'a'}));
  client.stream().write(request);
  world.settle();
  for (int i = 0; i < 12; ++i) world.advance(std::chrono::seconds(6));  // an eighth late, at most
  EXPECT_EQ(cut(world, Abuse::kStalled), 1U);
  EXPECT_EQ(world.context.connections.size(), 0U);
}

TEST(H2Floods, AnEndWithoutACauseIsNotCounted) {
  FrontendWorld world;
  H2Client client(world);
  client.get();
  world.advance(std::chrono::seconds(121));
  expect_goaway(client, NGHTTP2_NO_ERROR);
  for (const Counter& counter : world.counters.cut) EXPECT_EQ(counter.value(), 0U);
}

TEST(H2Floods, OnAListenerOfBothTheFirstBytesTell) {
  FrontendWorld world;
  world.context.speaks_h2 = true;
  const auto connect = [&] {
    auto [client, server] = MemoryStream::make_pair(world.loop);
    ClearAccept::begin(world.context, {.stream = std::move(server)});
    return std::move(client);
  };
  const auto say = [&](MemoryStream& stream, std::string_view text) {
    for (const char c : text) {
      Buffer one(std::string_view(&c, 1));
      stream.write(one);
      world.settle();
    }
    Buffer response;
    while (stream.read(response, 4096).status == IoStatus::kOk) {
    }
    return response.to_string();
  };
  const auto h1 = connect();
  EXPECT_THAT(say(*h1, get()), testing::StartsWith("HTTP/1.1 200"));
  const auto h2 = connect();
  EXPECT_EQ(say(*h2, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + h2_frame(NGHTTP2_SETTINGS, 0, 0, "")).at(3), '\x04');
  const auto nearly = connect();
  EXPECT_THAT(say(*nearly, "PRI / HTTP/1.1\r\n"), testing::StartsWith("HTTP/1.1 400"));
  const auto silent = connect();
  world.advance(std::chrono::seconds(121));
  EXPECT_TRUE(silent->peer_gone());
}

}  // namespace
}  // namespace gatehouse::testing_support
