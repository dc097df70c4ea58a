// Which of several responses goes first on HTTP/2: what the client says in a field and by PRIORITY_UPDATE, what the
// endpoint says, and what becomes of the bytes (RFC 9218). The same for HTTP/3: h3_priorities_test.cc.
#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include <gtest/gtest.h>

#include "tests/support/h2_client.h"
#include "tests/support/plenty.h"

namespace gatehouse::testing_support {
namespace {

constexpr std::size_t kMuch = 1024UL * 1024;
constexpr std::size_t kLittle = kMuch / 8;

std::string priority_update(std::int32_t stream, std::string_view value, std::int32_t on = 0) {
  const auto byte = [stream](unsigned shift) { return static_cast<char>(stream >> shift & 0xff); };
  const std::string id = {byte(24), byte(16), byte(8), byte(0)};
  return h2_frame(NGHTTP2_PRIORITY_UPDATE, 0, on, id + std::string(value));
}

// A MiB for each request, from endpoints that keep up, for a client that takes 128 KiB at a time.
class H2PrioritiesTest : public ::testing::Test {
 protected:
  H2PrioritiesTest() {
    world.script = [](Exchange&) {};
    client.open_window(0, 8 << 20);
  }

  std::int32_t ask(const std::string& priority) {
    if (priority.empty()) return client.get();
    return client.ask({.fields = {{"priority", priority}}});
  }
  // How much of each stream the client has when it has all of one.
  std::map<std::int32_t, std::size_t> play(const std::string& of_endpoint = {}) {
    for (Exchange* const exchange : world.live) {
      ResponseHead head;
      const bool first = exchange == world.live.front();
      if (first && !of_endpoint.empty()) head.fields.add("Priority", of_endpoint);
      Plenty::respond(world, *exchange, kMuch, std::move(head));
    }
    return until_one_is_complete();
  }
  std::map<std::int32_t, std::size_t> until_one_is_complete() {
    for (int turns = 0; turns < 10'000; ++turns) {
      client.exchange_bytes();
      std::map<std::int32_t, std::size_t> taken;
      for (const auto& [stream, bytes] : client.order()) {
        taken[stream] += bytes;
        if (taken[stream] == kMuch) return taken;
      }
    }
    return {};
  }

  FrontendWorld world;
  H2Client client{world, {.window = 8 << 20, .room = 128UL * 1024}};
};

TEST_F(H2PrioritiesTest, AnUrgentResponseOvertakesOthersThatAreUnderWay) {
  const std::int32_t slow = ask("u=5");
  const std::int32_t other = ask("u=5, i");
  const std::int32_t urgent = ask("u=1");
  auto taken = play();
  EXPECT_EQ(taken[urgent], kMuch);
  EXPECT_LT(taken[slow] + taken[other], kLittle);
}

TEST_F(H2PrioritiesTest, ResponsesOfOneUrgencyGoOneAfterTheOther) {
  const std::int32_t first = ask("");
  const std::int32_t second = ask("u=3");
  auto taken = play();
  EXPECT_EQ(taken[first], kMuch);
  EXPECT_LT(taken[second], kLittle);
}

TEST_F(H2PrioritiesTest, IncrementalOnesShare) {
  const std::int32_t first = ask("i");
  const std::int32_t second = ask("u=3, i");
  auto taken = play();
  EXPECT_GT(std::min(taken[first], taken[second]), kMuch * 3 / 4);
}

TEST_F(H2PrioritiesTest, AFrameSaysOtherwise) {
  const std::int32_t first = ask("u=2");
  const std::int32_t second = ask("u=4");
  client.send_raw(priority_update(second, "u=1"));
  auto taken = play();
  EXPECT_EQ(taken[second], kMuch);
  EXPECT_LT(taken[first], kLittle);
}

TEST_F(H2PrioritiesTest, AFrameMayComeBeforeItsRequestAndCountsMoreThanItsField) {
  client.send_raw(priority_update(3, "u=7") + priority_update(3, "u=0"));
  const std::int32_t first = ask("u=2");
  const std::int32_t second = ask("u=7");
  ASSERT_EQ(second, 3);
  auto taken = play();
  EXPECT_EQ(taken[second], kMuch);
  EXPECT_LT(taken[first], kLittle);
}

TEST_F(H2PrioritiesTest, TheEndpointsFieldOverrulesTheClient) {
  const std::int32_t first = ask("u=1");
  const std::int32_t second = ask("u=3");
  auto taken = play("u=6");
  EXPECT_EQ(taken[second], kMuch);
  EXPECT_LT(taken[first], kLittle);
}

TEST_F(H2PrioritiesTest, AFrameDoesNotOverruleTheEndpoint) {
  const std::int32_t first = ask("u=1");
  const std::int32_t second = ask("u=3");
  ResponseHead head;
  head.fields.add("Priority", "u=6");
  Plenty::respond(world, *world.live[0], kMuch, std::move(head));
  world.settle();
  client.send_raw(priority_update(first, "u=0, i"));
  ASSERT_EQ(client.order().size(), 1U);
  const std::size_t before = client.order().front().second;
  Plenty::respond(world, *world.live[1], kMuch);
  auto taken = until_one_is_complete();
  EXPECT_EQ(taken[second], kMuch);
  EXPECT_LT(taken[first] - before, 2 * kLittle) << "what was on the way, and no more";
}

TEST_F(H2PrioritiesTest, ValuesThatCannotBeUnderstoodSayNothing) {
  const std::int32_t first = ask("u=4");
  const std::int32_t second = ask("u=2");
  client.send_raw(priority_update(first, "u=") + priority_update(first, "=1"));
  auto taken = play("u=8");
  EXPECT_EQ(taken[second], kMuch);
  EXPECT_LT(taken[first], kLittle);
}

TEST_F(H2PrioritiesTest, AsManyStreamsAsMayBeOpenMayBeNamed) {
  const std::uint32_t most = world.context.policy->connection.max_streams;
  std::string frames;
  for (std::uint32_t i = 0; i < most; ++i) frames += priority_update(static_cast<std::int32_t>(2 * i + 1), "u=1");
  client.send_raw(frames + frames);
  EXPECT_TRUE(client.goaways().empty());
  client.send_raw(priority_update(static_cast<std::int32_t>(2 * most + 1), "u=1"));
  ASSERT_EQ(client.goaways().size(), 1U);
  EXPECT_EQ(client.goaways()[0].second, static_cast<std::uint32_t>(NGHTTP2_PROTOCOL_ERROR));
}

// RFC 9218 section 7.1: one for stream 0, and one on a stream, are errors of the connection.
TEST_F(H2PrioritiesTest, FramesForOrOnTheWrongStreamEndTheConnection) {
  for (const std::string& frame :
       {priority_update(0, "u=1"), priority_update(1, "u=1", 1), priority_update(2, "u=1")}) {
    H2Client stranger(world);
    stranger.get();
    stranger.send_raw(frame);
    ASSERT_EQ(stranger.goaways().size(), 1U);
    EXPECT_EQ(stranger.goaways()[0].second, static_cast<std::uint32_t>(NGHTTP2_PROTOCOL_ERROR));
  }
}

TEST_F(H2PrioritiesTest, FramesAreCountedBeyondTwoForEachRequest) {
  std::string flood;
  const std::int32_t stream = ask("");
  for (int i = 0; i < 990; ++i) flood += priority_update(stream, i % 2 == 0 ? "u=1" : "u=2, i");
  client.send_raw(flood);
  EXPECT_TRUE(client.goaways().empty());
  client.send_raw(flood.substr(0, flood.size() / 10));
  ASSERT_EQ(client.goaways().size(), 1U);
  EXPECT_EQ(client.goaways()[0].second, static_cast<std::uint32_t>(NGHTTP2_ENHANCE_YOUR_CALM));
}

}  // namespace
}  // namespace gatehouse::testing_support
