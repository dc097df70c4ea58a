#include "proxy/http/stall_watch.h"

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
  watch.wait(80s);
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
  watch.wait(80s);
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
  watch.wait(80s);
  pass(11s);
  for (int i = 0; i < 80; ++i) {
    progress = i % 2 == 0 ? 90 : 100;
    pass(1s);
  }
  EXPECT_EQ(stalled, 1);
}

TEST_F(StallWatchTest, ItCountsFromTheLastWait) {
  watch.wait(80s);
  pass(70s);
  watch.rest();
  pass(100s);
  watch.wait(80s);
  pass(79s);
  EXPECT_EQ(stalled, 0);
  pass(1s);
  EXPECT_EQ(stalled, 1);
}

TEST_F(StallWatchTest, WaitingAgainWhileItWaitsChangesNothing) {
  watch.wait(80s);
  pass(40s);
  watch.wait(80s);
  pass(40s);
  EXPECT_EQ(stalled, 1);
}

TEST_F(StallWatchTest, ShortWaitsDoNotAsk) {
  for (int i = 0; i < 100; ++i) {
    watch.wait(80s);
    pass(5s);
    watch.rest();
  }
  EXPECT_EQ(asked, 0);
}

}  // namespace
}  // namespace gatehouse
