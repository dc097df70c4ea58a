// Which of several answers goes first: what the client says in a field of its head, and with a frame at any time, which
// counts more (RFC 9218 sections 5, 7 and 10).
#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/h3_session_world.h"
#include "tests/support/plenty.h"

namespace gatehouse::testing_support {
namespace {

using namespace std::string_literals;

constexpr std::int64_t kControl = 2;
constexpr char kSettings = 4;

std::string priority_update(std::uint8_t stream, const std::string& value) {
  const std::string payload = std::string(1, static_cast<char>(stream)) + value;
  return "\x80\x0f\x07\0"s + std::string(1, static_cast<char>(payload.size())) + payload;
}

class H3PrioritiesTest : public ::testing::Test {
 protected:
  H3PrioritiesTest() {
    world.script = [](Exchange&) {};
    say("\0"s + h3_frame(kSettings, ""));
  }

  void say(const std::string& control) { EXPECT_EQ(world.receive(kControl, control), std::nullopt); }
  void ask(std::int64_t stream, const std::string& priority) {
    EXPECT_EQ(world.receive(stream, h3_head(h3_request("GET", {{"priority", priority}})), true), std::nullopt);
  }
  // The stream whose answer is sent first, once all of them are there.
  std::int64_t first() {
    world.send_all();
    for (Exchange* const exchange : world.live) exchange->respond({.status = 200}, "hello");
    world.settle();
    H3Session::Piece piece;
    EXPECT_TRUE(world.session->next(piece));
    return piece.stream;
  }

  H3SessionWorld world;
};

TEST_F(H3PrioritiesTest, AFieldSaysWhichGoesFirst) {
  ask(0, "u=5");
  ask(4, "u=1");
  ask(8, "u=3, i");
  EXPECT_EQ(first(), 4);
}

TEST_F(H3PrioritiesTest, AFieldThatCannotBeUnderstoodSaysNothing) {
  ask(0, "u=5");
  ask(4, "u=");
  ask(8, "u=4");
  EXPECT_EQ(first(), 4) << "3, which is in the middle";
}

TEST_F(H3PrioritiesTest, AFrameSaysOtherwise) {
  ask(0, "u=5");
  ask(4, "u=1");
  say(priority_update(0, "u=0"));
  EXPECT_EQ(first(), 0);
}

TEST_F(H3PrioritiesTest, AFrameMayComeBeforeItsRequestAndCountsMoreThanItsField) {
  say(priority_update(4, "u=6") + priority_update(8, "u=7") + priority_update(8, "u=0"));
  ask(0, "u=2");
  ask(4, "u=0");
  ask(8, "u=7");
  EXPECT_EQ(first(), 8);
}

TEST_F(H3PrioritiesTest, AFrameWithoutAValueMeansTheDefault) {
  ask(0, "u=2");
  ask(4, "u=7");
  say(priority_update(0, "u=6") + priority_update(4, ""));
  EXPECT_EQ(first(), 4);
}

TEST_F(H3PrioritiesTest, AFrameForARequestThatHasGoneIsNothing) {
  ask(0, "u=2");
  EXPECT_EQ(first(), 0);
  world.send_all();
  world.close(0);
  say(priority_update(0, "u=1") + priority_update(0, "u=8"));
  EXPECT_EQ(world.transport.finished, std::nullopt);
}

TEST_F(H3PrioritiesTest, AsManyStreamsAsMayBeOpenedByNowMayBeNamed) {
  const std::uint64_t most = world.context.policy->connection.max_streams;
  ASSERT_EQ(most, 100U);
  say("\x80\x0f\x07\0\x05\x41\x8cu=1"s);  // stream 396, the hundredth
  ask(0, "u=1");
  EXPECT_EQ(first(), 0);
  world.send_all();
  world.close(0);
  say("\x80\x0f\x07\0\x05\x41\x90u=1"s);  // stream 400
  EXPECT_EQ(world.receive(kControl, "\x80\x0f\x07\0\x05\x41\x94u=1"s), NGHTTP3_H3_ID_ERROR);
}

// RFC 9218 section 8: what the endpoint does not say stays as the client has said it.
TEST_F(H3PrioritiesTest, TheEndpointsFieldOverrulesTheClient) {
  ask(0, "u=1");
  ask(4, "u=6");
  world.send_all();
  ResponseHead later{.status = 200};
  later.fields.add("Priority", "u=5");
  world.live[0]->respond(std::move(later), "hello");
  ResponseHead sooner{.status = 200};
  sooner.fields.add("Priority", "i, u=2");
  world.live[1]->respond(std::move(sooner), "hello");
  world.settle();
  say(priority_update(0, "u=0"));
  H3Session::Piece piece;
  EXPECT_TRUE(world.session->next(piece));
  EXPECT_EQ(piece.stream, 4);
}

TEST_F(H3PrioritiesTest, AFieldOfTheEndpointThatCannotBeUnderstoodSaysNothing) {
  ask(0, "u=2");
  ask(4, "u=4");
  world.send_all();
  world.live[0]->respond({.status = 200}, "hello");
  ResponseHead head{.status = 200};
  head.fields.add("Priority", "u=9, =");
  world.live[1]->respond(std::move(head), "hello");
  world.settle();
  H3Session::Piece piece;
  EXPECT_TRUE(world.session->next(piece));
  EXPECT_EQ(piece.stream, 0);
}

// Responses of a MiB each from endpoints that keep up, to a client that takes a little of them each turn.
class H3ShareTest : public H3PrioritiesTest {
 protected:
  static constexpr std::size_t kMuch = 1024UL * 1024;

  // How much of each the client has when it has all of one.
  std::map<std::int64_t, std::size_t> until_one_is_complete(const std::vector<std::string>& priorities) {
    for (std::size_t i = 0; i < priorities.size(); ++i) ask(static_cast<std::int64_t>(4 * i), priorities[i]);
    world.send_all();
    for (Exchange* const exchange : world.live) Plenty::respond(world, *exchange, kMuch);
    world.settle();
    std::map<std::int64_t, std::size_t> taken;
    for (int turns = 0; turns < 10'000 && world.ended_by_us.empty(); ++turns) take_some(taken);
    return taken;
  }

 private:
  // As much as a congestion window lets through, which is more than a pipe has.
  void take_some(std::map<std::int64_t, std::size_t>& taken) {
    std::size_t left = 96UL * 1024;
    for (H3Session::Piece piece; left > 0; piece = {}) {
      ASSERT_TRUE(world.session->next(piece));
      if (piece.stream < 0) break;
      const std::size_t whole = nghttp3_vec_len(piece.part.data(), piece.parts);
      const std::size_t bytes = std::min<std::size_t>({whole, left, 1200});
      if (piece.fin && bytes == whole) world.ended_by_us.insert(piece.stream);
      ASSERT_TRUE(world.session->sent(piece, bytes));
      ASSERT_TRUE(world.session->acknowledged(piece.stream, bytes));
      taken[piece.stream] += bytes;
      left -= bytes;
    }
    world.settle();
  }
};

TEST_F(H3ShareTest, AnUrgentResponseOvertakesOthersThatAreUnderWay) {
  const auto taken = until_one_is_complete({"u=5", "u=5, i", "u=1"});
  EXPECT_EQ(world.ended_by_us, std::set<std::int64_t>{8});
  EXPECT_LT(taken.at(0) + (taken.contains(4) ? taken.at(4) : 0), kMuch / 8);
}

TEST_F(H3ShareTest, ResponsesOfOneUrgencyGoOneAfterTheOther) {
  auto taken = until_one_is_complete({"u=3", "", "u=3"});
  EXPECT_EQ(world.ended_by_us, std::set<std::int64_t>{0});
  EXPECT_LT(taken[4] + taken[8], kMuch / 8);
}

TEST_F(H3ShareTest, IncrementalOnesShare) {
  auto taken = until_one_is_complete({"u=3, i", "u=3, i"});
  EXPECT_GT(std::min(taken[0], taken[4]), kMuch * 3 / 4);
}

}  // namespace
}  // namespace gatehouse::testing_support
