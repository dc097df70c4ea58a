#include "proxy/http/exchange/upload_watch.h"

#include <optional>

#include <gtest/gtest.h>

#include "common/event_loop.h"

namespace gatehouse {
namespace {

using namespace std::chrono_literals;

class UploadWatchTest : public testing::Test {
 protected:
  void wait() { watch.wait(upload); }
  // Bytes come, and the endpoint takes them.
  void receive(std::uint64_t bytes) {
    upload.total += bytes;
    watch.wait(upload);
  }
  void pass(Duration time) {
    for (; time > Duration::zero(); time -= 1s) {
      clock.advance(1s);
      loop.turn(EventLoop::Wait::kNever);
    }
  }

  ManualClock clock;
  EventLoop loop{clock};
  std::optional<Fault> failed;
  int calls = 0;
  UploadWatch::Upload upload{.total = 0, .starved = true, .silence = 30s, .min_rate = 240};
  UploadWatch watch{loop, [this](Fault fault) {
                      failed = fault;
                      ++calls;
                    }};
};

TEST_F(UploadWatchTest, ABodyThatDoesNotBeginHasTheWholeTime) {
  wait();
  pass(29s);
  EXPECT_FALSE(failed);
  pass(1s);
  EXPECT_EQ(failed, Fault::kRequestBodyTimeout);
  pass(100s);
  EXPECT_EQ(calls, 1);
}

TEST_F(UploadWatchTest, OneThatHasBegunGetsFiveSeconds) {
  wait();
  pass(20s);
  receive(1);
  pass(5s);
  EXPECT_FALSE(failed);
  pass(1s);
  EXPECT_EQ(failed, Fault::kRequestTooSlow);
}

TEST_F(UploadWatchTest, AByteNowAndThenIsTooSlow) {
  wait();
  for (int i = 0; i < 10 && !failed; ++i) {
    receive(1);
    pass(1s);
  }
  EXPECT_EQ(failed, Fault::kRequestTooSlow);
  EXPECT_EQ(upload.total, 6U);
}

TEST_F(UploadWatchTest, WhoKeepsToTheRateMayGoOnForEver) {
  wait();
  for (int i = 0; i < 1000; ++i) {
    receive(240);
    pass(1s);
  }
  EXPECT_FALSE(failed);
}

TEST_F(UploadWatchTest, ABurstEarnsAPauseAndNoMoreThanTheSilence) {
  wait();
  for (int i = 0; i < 100; ++i) {
    receive(20 * 240);
    pass(20s);
    ASSERT_FALSE(failed) << i;
  }
  receive(1'000'000);
  pass(29s);
  EXPECT_FALSE(failed);
  pass(1s);
  EXPECT_EQ(failed, Fault::kRequestBodyTimeout);
}

TEST_F(UploadWatchTest, WhileTheEndpointHasSomethingToTakeOnlySilenceCounts) {
  wait();
  upload.starved = false;
  receive(100);
  pass(29s);
  EXPECT_FALSE(failed);
  upload.starved = true;
  receive(0);
  pass(1s);
  EXPECT_EQ(failed, Fault::kRequestBodyTimeout) << "the silence began with the last byte";
}

TEST_F(UploadWatchTest, TimeInWhichNothingIsWaitedForDoesNotCount) {
  wait();
  receive(240);
  pass(3s);
  watch.rest(upload);
  pass(1000s);
  EXPECT_FALSE(failed);
  wait();
  pass(2s);
  EXPECT_FALSE(failed);
  pass(1s);
  EXPECT_EQ(failed, Fault::kRequestTooSlow) << "six seconds in all";
}

TEST_F(UploadWatchTest, WhatFillsThePipeAtOnceEarnsItsTime) {
  wait();
  upload.total += 2400;
  watch.rest(upload);
  wait();
  pass(14s);
  EXPECT_FALSE(failed);
  pass(2s);
  EXPECT_EQ(failed, Fault::kRequestTooSlow);
}

TEST_F(UploadWatchTest, WithoutARateOnlySilenceCounts) {
  upload.min_rate = 0;
  wait();
  for (int i = 0; i < 100; ++i) {
    receive(1);
    pass(29s);
  }
  EXPECT_FALSE(failed);
  pass(1s);
  EXPECT_EQ(failed, Fault::kRequestBodyTimeout);
}

}  // namespace
}  // namespace gatehouse
