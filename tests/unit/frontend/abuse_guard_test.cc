#include "proxy/frontend/abuse_guard.h"

#include <gtest/gtest.h>

namespace gatehouse {
namespace {

using namespace std::chrono_literals;

class AbuseGuardTest : public ::testing::Test {
 protected:
  // Opens a stream, and cancels it so much later.
  bool cancel_after(Duration time) {
    const MonotonicTime opened = now_;
    guard_.stream_opened(opened);
    now_ += time;
    guard_.stream_cancelled(opened, now_);
    return guard_.allows(Abuse::kReset, now_);
  }
  void open(int count) {
    for (int i = 0; i < count; ++i) guard_.stream_opened(now_);
  }

  MonotonicTime now_{1h};
  AbuseGuard guard_{now_};
};

TEST_F(AbuseGuardTest, FiftyCancelledAtOnceEveryThreeSecondsAreFine) {
  for (int second = 0; second < 100; ++second) {
    for (int i = 0; i < 50; ++i) ASSERT_TRUE(cancel_after(0ms)) << second;
    now_ += 3s;
  }
}

TEST_F(AbuseGuardTest, TwentyASecondAreFineForEver) {
  for (int i = 0; i < 2000; ++i) {
    ASSERT_TRUE(cancel_after(10ms)) << i;
    now_ += 40ms;
  }
}

TEST_F(AbuseGuardTest, TwoHundredAtOnceAreTheEnd) {
  int cancelled = 0;
  while (cancel_after(0ms) && cancelled < 1000) ++cancelled;
  EXPECT_LE(cancelled, 200);
  EXPECT_GE(cancelled, 190);
}

TEST_F(AbuseGuardTest, MostOfManyCancelledQuicklyAreTooManyBeforeTheBurstIsOver) {
  open(95);
  int cancelled = 0;
  while (cancel_after(0ms) && cancelled < 1000) ++cancelled;
  EXPECT_LE(cancelled, 105);
}

TEST_F(AbuseGuardTest, HalfOfManyAreNotMost) {
  for (int i = 0; i < 150; ++i) {
    open(1);
    ASSERT_TRUE(cancel_after(0ms)) << i;
  }
}

TEST_F(AbuseGuardTest, WhatWasCancelledLateIsNoPartOfTheRatio) {
  open(95);
  for (int i = 0; i < 199; ++i) {
    const MonotonicTime opened = now_;
    guard_.stream_opened(opened);
    guard_.stream_cancelled(opened - 101ms, now_);
    ASSERT_TRUE(guard_.allows(Abuse::kReset, now_)) << i;
  }
}

TEST_F(AbuseGuardTest, WhatIsLongAgoIsForgotten) {
  for (int i = 0; i < 105; ++i) ASSERT_TRUE(cancel_after(0ms));
  now_ += 2s;
  open(100);
  EXPECT_TRUE(cancel_after(0ms));
}

TEST_F(AbuseGuardTest, TheSecondMayBeginAtAnyTime) {
  now_ += 450ms;
  open(50);
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(cancel_after(0ms));
  now_ += 100ms;
  open(50);
  int cancelled = 0;
  while (cancel_after(0ms) && cancelled < 1000) ++cancelled;
  EXPECT_LE(cancelled, 60);
}

TEST_F(AbuseGuardTest, WindowsAreEarnedByWhatIsSent) {
  const auto taken = [&] {
    int count = 0;
    while (guard_.allows(Abuse::kWindow, now_)) ++count;
    return count;
  };
  EXPECT_EQ(taken(), 1000);
  open(10);
  EXPECT_EQ(taken(), 20);
  guard_.data_sent(100);
  EXPECT_EQ(taken(), 2) << "the stream's and the connection's";
  guard_.data_sent(16384);
  EXPECT_EQ(taken(), 18);
  for (int i = 0; i < 100'000; ++i) guard_.data_sent(16384);
  EXPECT_EQ(taken(), 100'000) << "no hoard without end";
  now_ += 1s;
  EXPECT_EQ(taken(), 100);
}

TEST_F(AbuseGuardTest, WhatWasOnItsWayToAStreamThatWeClosedIsNoAbuse) {
  guard_.stream_closed(2048UL * 1024);
  int count = 0;
  while (guard_.allows(Abuse::kClosedStream, now_)) ++count;
  EXPECT_EQ(count, 2049 + 1000);
}

}  // namespace
}  // namespace gatehouse
