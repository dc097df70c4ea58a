#include "proxy/frontend/quic/handshake_tally.h"

#include <chrono>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace gatehouse {
namespace {

using namespace std::chrono_literals;

class HandshakeTallyTest : public testing::Test {
 protected:
  void fail_from(std::uint64_t first, std::uint64_t last) {
    for (std::uint64_t prefix = first; prefix <= last; ++prefix) tally.failed(prefix, now);
  }

  MonotonicTime now{1h};
  HandshakeTally tally;
};

TEST_F(HandshakeTallyTest, ACrowdThatFailsIsSeen) {
  fail_from(1, HandshakeTally::kCrowd - 1);
  EXPECT_FALSE(tally.only_failures(now));
  fail_from(HandshakeTally::kCrowd, HandshakeTally::kCrowd);
  EXPECT_TRUE(tally.only_failures(now));
}

TEST_F(HandshakeTallyTest, OneClientThatTriesAgainIsNoCrowd) {
  for (int i = 0; i < 1000; ++i) tally.failed(7, now);
  EXPECT_FALSE(tally.only_failures(now));
}

TEST_F(HandshakeTallyTest, OneThatSucceedsIsEnough) {
  fail_from(1, HandshakeTally::kCrowd - 1);
  tally.succeeded();
  fail_from(100, 100 + HandshakeTally::kCrowd - 2);
  EXPECT_FALSE(tally.only_failures(now));
  fail_from(200, 200);
  EXPECT_TRUE(tally.only_failures(now));
  tally.succeeded();
  EXPECT_FALSE(tally.only_failures(now));
  EXPECT_EQ(tally.successes(), 2U);
}

TEST_F(HandshakeTallyTest, FailuresThatAreLongAgoDoNotCount) {
  fail_from(1, 1);
  now += HandshakeTally::kWindow - 1ms;
  fail_from(2, HandshakeTally::kCrowd);
  EXPECT_TRUE(tally.only_failures(now));
  now += 1ms;
  EXPECT_FALSE(tally.only_failures(now));
  fail_from(1, 1);
  EXPECT_TRUE(tally.only_failures(now));
}

// The oldest makes room, so that a trickle is never a crowd and a flood always is.
TEST_F(HandshakeTallyTest, MoreThanACrowdTakeThePlaceOfTheOldest) {
  for (std::uint64_t prefix = 0; prefix < 100; ++prefix) {
    fail_from(prefix, prefix);
    EXPECT_FALSE(tally.only_failures(now)) << prefix;
    now += 1s;
  }
  fail_from(1000, 1000 + HandshakeTally::kCrowd);
  EXPECT_TRUE(tally.only_failures(now));
}

TEST_F(HandshakeTallyTest, ManyThreadsMayCount) {
  constexpr int kThreads = 4;
  constexpr int kTimes = 1000;
  std::vector<std::jthread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([this, i] {
      for (int j = 0; j < kTimes; ++j) {
        tally.failed(static_cast<std::uint64_t>(i * kTimes + j), now);
        tally.succeeded();
      }
    });
  }
  threads.clear();
  EXPECT_EQ(tally.successes(), static_cast<std::uint64_t>(kThreads * kTimes));
  fail_from(1, 1);
  tally.succeeded();
  EXPECT_FALSE(tally.only_failures(now));
}

}  // namespace
}  // namespace gatehouse
