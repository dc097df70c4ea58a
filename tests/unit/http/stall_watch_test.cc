#include "proxy/http/exchange/stall_watch.h"

#include <gtest/gtest.h>

#include "common/event_loop.h"

namespace gatehouse {
namespace {

using namespace std::chrono_literals;

class StallWatchTest : public testing::Test {
 protected:
  StallWatchTest() {
    watch.follow([this] {
      ++asked;
      return progress;
    });
  }

  void pass(Duration time) {
    for (; time > Duration::zero(); time -= 1s) {
      clock.advance(1s);
      loop.turn(EventLoop::Wait::kNever);
    }
  }

  ManualClock clock;
  EventLoop loop{clock};
  int stalled = 0;
  int asked = 0;
  std::int64_t progress = 0;
  StallWatch watch{loop, [this] { ++stalled; }};
};

TEST_F(StallWatchTest, AClientThatNeverMovesStallsWhenThePatienceIsOver) {
  watch.wait({.silence = 80s});
  pass(79s);
  EXPECT_EQ(stalled, 0);
  EXPECT_TRUE(watch.waiting());
  pass(1s);
  EXPECT_EQ(stalled, 1);
  EXPECT_FALSE(watch.waiting());
  pass(200s);
  EXPECT_EQ(stalled, 1);
}

TEST_F(StallWatchTest, AClientThatMovesALittleNowAndThenNeverStalls) {
  watch.wait({.silence = 80s});
  for (int i = 0; i < 20; ++i) {
    pass(70s);
    ++progress;
  }
  EXPECT_EQ(stalled, 0);
  pass(79s);
  EXPECT_EQ(stalled, 0);
  pass(11s);
  EXPECT_EQ(stalled, 1) << "an eighth late at most";
}

TEST_F(StallWatchTest, WhatGoesBackIsNoProgress) {
  progress = 100;
  watch.wait({.silence = 80s});
  pass(11s);
  for (int i = 0; i < 80; ++i) {
    progress = i % 2 == 0 ? 90 : 100;
    pass(1s);
  }
  EXPECT_EQ(stalled, 1);
}

TEST_F(StallWatchTest, ItCountsFromTheLastWait) {
  watch.wait({.silence = 80s});
  pass(70s);
  watch.rest();
  pass(100s);
  watch.wait({.silence = 80s});
  pass(79s);
  EXPECT_EQ(stalled, 0);
  pass(1s);
  EXPECT_EQ(stalled, 1);
}

TEST_F(StallWatchTest, WaitingAgainWhileItWaitsChangesNothing) {
  watch.wait({.silence = 80s});
  pass(40s);
  watch.wait({.silence = 80s});
  pass(40s);
  EXPECT_EQ(stalled, 1);
}

TEST_F(StallWatchTest, ShortWaitsDoNotAsk) {
  for (int i = 0; i < 100; ++i) {
    watch.wait({.silence = 80s});
    pass(5s);
    watch.rest();
  }
  EXPECT_EQ(asked, 0);
}

// --- the minimum rate ---

TEST_F(StallWatchTest, WhoTakesNothingFromTheStartIsTooSlowAfterTheGrace) {
  watch.wait({.silence = 80s, .min_rate = 150});
  pass(4s);
  EXPECT_EQ(stalled, 0);
  pass(1s);
  EXPECT_EQ(stalled, 1);
  EXPECT_EQ(watch.fault(), Fault::kResponseTooSlow);
}

TEST_F(StallWatchTest, WhoTakesLessThanTheRateIsTooSlow) {
  watch.wait({.silence = 80s, .min_rate = 150});
  for (int i = 0; i < 20 && stalled == 0; ++i) {
    progress += 75;
    pass(1s);
  }
  EXPECT_EQ(stalled, 1);
  EXPECT_EQ(progress, 10 * 75) << "half the rate: twice the grace";
  EXPECT_EQ(watch.fault(), Fault::kResponseTooSlow);
}

TEST_F(StallWatchTest, WhoTakesAsMuchAsTheRateIsFine) {
  watch.wait({.silence = 80s, .min_rate = 150});
  for (int i = 0; i < 600; ++i) {
    progress += 150;
    pass(1s);
  }
  EXPECT_EQ(stalled, 0);
}

TEST_F(StallWatchTest, ABurstEarnsAPauseWithABound) {
  watch.wait({.silence = 80s, .min_rate = 150});
  progress = 20 * 150;
  pass(20s);
  EXPECT_EQ(stalled, 0);
  progress += 1'000'000;
  pass(70s);
  EXPECT_EQ(stalled, 0) << "as long as it may be silent";
  pass(20s);
  EXPECT_EQ(stalled, 1);
  EXPECT_EQ(watch.fault(), Fault::kClientStalled);
}

TEST_F(StallWatchTest, SilenceCountsAsAStallWhereThereIsNoRate) {
  watch.wait({.silence = 80s});
  pass(80s);
  EXPECT_EQ(stalled, 1);
  EXPECT_EQ(watch.fault(), Fault::kClientStalled);
}

TEST_F(StallWatchTest, WhatCameBeforeItWasFollowedEarnsNothing) {
  progress = 1'000'000;
  watch.follow([this] { return progress; }, progress);
  watch.wait({.silence = 80s, .min_rate = 150});
  pass(5s);
  EXPECT_EQ(stalled, 1);
}

TEST_F(StallWatchTest, TimeWithoutAWaitDoesNotCount) {
  watch.wait({.silence = 80s, .min_rate = 150});
  progress = 300;
  pass(5s);
  watch.rest();
  pass(1000s);
  watch.wait({.silence = 80s, .min_rate = 150});
  pass(1s);
  EXPECT_EQ(stalled, 0) << "two seconds are left of the first wait";
  pass(1s);
  EXPECT_EQ(stalled, 1);
}

}  // namespace
}  // namespace gatehouse
