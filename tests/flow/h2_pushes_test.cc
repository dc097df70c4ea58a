// What a response proposes becomes PUSH_PROMISE and a response of its own, for clients that want it (RFC 9113 section
// 8.4). Which targets are proposed: push_targets_test.cc.
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/h2_client.h"

namespace gatehouse::testing_support {
namespace {

using testing::Contains;
using testing::IsEmpty;
using testing::Not;
using testing::Pair;
using testing::SizeIs;

class H2PushesTest : public ::testing::Test {
 protected:
  H2PushesTest() {
    world.script = [this](Exchange& exchange) {
      const std::string& target = exchange.request().target;
      if (target.starts_with("/page")) {
        exchange.propose(proposed);
        exchange.respond({.status = 200}, "page");
      } else if (!holds_assets) {
        exchange.propose({"/more"});
        exchange.respond({.status = 200}, "asset " + target);
      }
    };
  }
  static std::string field(const H2Client::Promise& promise, std::string_view name) {
    for (const auto& [key, value] : promise.fields) {
      if (key == name) return value;
    }
    return "(none)";
  }

  FrontendWorld world;
  std::vector<std::string> proposed = {"/a.css", "/b.js?v=1"};
  bool holds_assets = false;
};

TEST_F(H2PushesTest, TheClientGetsAPromiseAndAResponse) {
  H2Client client(world, {.secure = true});
  const std::int32_t page = client.ask({.path = "/page",
                                        .fields = {{"accept-encoding", "br"},
                                                   {"accept-language", "de"},
                                                   {"cookie", "id=1"},
                                                   {"user-agent", "test"},
                                                   {"if-none-match", "x"}}});
  EXPECT_EQ(client.response(page).body, "page");
  ASSERT_THAT(client.promises(), SizeIs(2));
  const auto& promise = client.promises().at(2);
  EXPECT_EQ(promise.parent, page);
  EXPECT_EQ(field(promise, ":method"), "GET");
  EXPECT_EQ(field(promise, ":scheme"), "https");
  EXPECT_EQ(field(promise, ":authority"), "shop.example.com");
  EXPECT_EQ(field(promise, ":path"), "/a.css");
  EXPECT_EQ(field(promise, "accept-encoding"), "br");
  EXPECT_EQ(field(promise, "accept-language"), "de");
  EXPECT_EQ(field(promise, "cookie"), "id=1");
  EXPECT_EQ(field(promise, "user-agent"), "test");
  EXPECT_EQ(field(promise, "if-none-match"), "(none)");
  EXPECT_EQ(client.response(2).body, "asset /a.css");
  EXPECT_TRUE(client.response(2).complete);
  EXPECT_EQ(client.response(4).body, "asset /b.js?v=1");
  ASSERT_THAT(world.ended, SizeIs(3)) << "each is an exchange of its own";
  for (const EndedExchange& each : world.ended) EXPECT_EQ(each.fault, std::nullopt) << each.target;
}

TEST_F(H2PushesTest, NobodyIsPushedTheSameTwice) {
  proposed = {"/a.css", "/a.css"};
  H2Client client(world);
  client.get("/page");
  client.get("/page2");
  EXPECT_THAT(client.promises(), SizeIs(1));
  H2Client other(world);
  other.get("/page");
  EXPECT_THAT(other.promises(), SizeIs(1));
}

TEST_F(H2PushesTest, ClientsThatDoNotWantItAreNotAsked) {
  H2Client client(world, {.wants_pushes = false});
  EXPECT_EQ(client.response(client.get("/page")).body, "page");
  EXPECT_THAT(client.promises(), IsEmpty());
  EXPECT_EQ(world.begun, 1);
}

TEST_F(H2PushesTest, NoMoreAreOpenThanTheClientAllows) {
  holds_assets = true;
  proposed = {"/1", "/2", "/3", "/4", "/5"};
  H2Client client(world, {.max_pushes = 3});
  client.get("/page");
  EXPECT_THAT(client.promises(), SizeIs(3));
  client.get("/page2");
  EXPECT_THAT(client.promises(), SizeIs(3));
  for (Exchange* const exchange : std::vector(world.live)) {
    if (!exchange->response()) exchange->respond({.status = 200}, "late");
  }
  client.exchange_bytes();
  client.get("/page3");
  EXPECT_THAT(client.promises(), SizeIs(5)) << "the other two, as the first have ended";
}

// Ours do not count among those that the client may open.
TEST_F(H2PushesTest, PushesTakeNoStreamsFromTheClient) {
  FrontendWorld small([](ListenerPolicy& policy) { policy.connection.max_streams = 2; });
  small.script = [](Exchange& exchange) {
    if (exchange.request().target != "/page") return;
    exchange.propose({"/1", "/2", "/3"});
    exchange.respond({.status = 200}, "page");
  };
  H2Client client(small);
  client.get("/page");
  EXPECT_THAT(client.promises(), SizeIs(2));
  client.get("/held");
  client.get("/held");
  EXPECT_THAT(small.live, SizeIs(4));
}

TEST_F(H2PushesTest, CancelledPushesEndTheirExchangesAndAreNoAbuse) {
  holds_assets = true;
  H2Client client(world);
  for (int i = 0; i < 300; ++i) {
    proposed = {"/" + std::to_string(i)};
    client.get("/page");
    ASSERT_THAT(client.promises(), Contains(Pair(2 * i + 2, testing::_)));
    client.cancel(2 * i + 2);
  }
  EXPECT_THAT(client.goaways(), IsEmpty());
  EXPECT_THAT(world.live, IsEmpty());
  client.send_raw(h2_frame(NGHTTP2_RST_STREAM, 0, 2, std::string("\0\0\0\x08", 4)));
  EXPECT_THAT(client.goaways(), IsEmpty());
  std::string again;
  for (int i = 0; i < 250; ++i) again += h2_frame(NGHTTP2_RST_STREAM, 0, 2, std::string("\0\0\0\x08", 4));
  client.send_raw(again);
  EXPECT_THAT(client.goaways(), SizeIs(1)) << "but each excuses one reset only";
}

TEST_F(H2PushesTest, APushedResponsePushesNothing) {
  H2Client client(world);
  client.get("/page");
  for (const auto& [stream, promise] : client.promises()) EXPECT_NE(field(promise, ":path"), "/more");
}

TEST_F(H2PushesTest, WhatIsNoValidTargetIsNotPromised) {
  proposed = {"/a b", "/\xff\n", "/ok"};
  H2Client client(world);
  client.get("/page");
  ASSERT_THAT(client.promises(), SizeIs(1));
  EXPECT_EQ(field(client.promises().at(2), ":path"), "/ok");
}

TEST_F(H2PushesTest, NothingIsPromisedOnAConnectionThatDrains) {
  holds_assets = true;
  H2Client client(world);
  const std::int32_t held = client.get("/held");
  world.context.connections.drain_all();
  ASSERT_THAT(world.live, SizeIs(1));
  world.live[0]->propose(proposed);
  world.live[0]->respond({.status = 200}, "late");
  client.exchange_bytes();
  EXPECT_EQ(client.response(held).body, "late");
  EXPECT_THAT(client.promises(), IsEmpty());
}

// The page's bytes come first, where both are there.
TEST_F(H2PushesTest, APushedResponseIsLessUrgent) {
  world.script = [](Exchange& exchange) {
    if (exchange.request().target == "/page") exchange.propose({"/a.css"});
    exchange.respond({.status = 200}, std::string(200'000, 'x'));
  };
  H2Client client(world, {.window = 8 << 20, .room = 8UL * 1024});
  client.get("/page");
  for (int i = 0; i < 200 && !client.response(2).complete; ++i) client.exchange_bytes();
  EXPECT_TRUE(client.response(2).complete);
  EXPECT_EQ(client.order().front(), (std::pair<std::int32_t, std::size_t>(1, 200'000)));
}

}  // namespace
}  // namespace gatehouse::testing_support
