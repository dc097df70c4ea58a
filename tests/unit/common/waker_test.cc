#include "common/waker.h"

#include <memory>
#include <optional>

#include <gtest/gtest.h>

#include "tests/support/loop_testing.h"

namespace gatehouse {
namespace {

using testing_support::Log;

class WakerTest : public testing_support::LoopTest {};

TEST_F(WakerTest, RunsInTheTurnOnceHoweverOftenItWasWoken) {
  Waker waker(loop, [&] { log.push_back("ran"); });
  waker.wake();
  waker.wake();
  EXPECT_TRUE(waker.woken());
  EXPECT_TRUE(log.empty()) << "never inside wake()";
  turn();
  EXPECT_EQ(log, Log{"ran"});
  EXPECT_FALSE(waker.woken());
  turn();
  EXPECT_EQ(log.size(), 1U);
}

TEST_F(WakerTest, RunsFirstInFirstOutEachFollowedByThoseThatItWakes) {
  Waker third(loop, [&] { log.push_back("third"); });
  Waker fourth(loop, [&] { log.push_back("fourth"); });
  Waker last(loop, [&] { log.push_back("last"); });
  auto next = std::make_unique<Waker>(loop, [&] { log.push_back("never"); });
  Waker first(loop, [&] {
    log.push_back("first");
    third.wake();
    next.reset();
    fourth.wake();
  });
  first.wake();
  next->wake();
  last.wake();
  turn();
  EXPECT_EQ(log, (Log{"first", "third", "fourth", "last"}));
}

TEST_F(WakerTest, MayWakeItselfForAnotherRunInTheSameTurn) {
  int left = 3;
  std::optional<Waker> waker;
  waker.emplace(loop, [&] {
    log.push_back("ran");
    if (--left > 0) waker->wake();
  });
  waker->wake();
  turn();
  EXPECT_EQ(log.size(), 3U);
}

TEST_F(WakerTest, FlushWaitsForAllProgressAlsoForThatWhichAFlushBrings) {
  Waker late(loop, [&] { log.push_back("late progress"); });
  Waker flush1(
      loop,
      [&] {
        log.push_back("flush 1");
        late.wake();
      },
      Waker::Phase::kFlush);
  Waker flush2(loop, [&] { log.push_back("flush 2"); }, Waker::Phase::kFlush);
  Waker progress(loop, [&] { log.push_back("progress"); });
  flush1.wake();
  flush2.wake();
  progress.wake();
  turn();
  EXPECT_EQ(log, (Log{"progress", "flush 1", "late progress", "flush 2"}));
}

TEST_F(WakerTest, CancelledOrDestroyedOnesDoNotRun) {
  Waker a(loop, [&] { log.push_back("a"); });
  auto b = std::make_unique<Waker>(loop, [&] { log.push_back("b"); });
  Waker c(loop, [&] { log.push_back("c"); });
  a.wake();
  b->wake();
  c.wake();
  a.cancel();
  b.reset();
  turn();
  EXPECT_EQ(log, Log{"c"});
  a.wake();
  turn();
  EXPECT_EQ(log, (Log{"c", "a"}));
}

TEST_F(WakerTest, MayDestroyTheNextInLineTheLastInLineAndItself) {
  std::unique_ptr<Waker> self;
  auto next = std::make_unique<Waker>(loop, [&] { log.push_back("next"); });
  Waker between(loop, [&] { log.push_back("between"); });
  auto last = std::make_unique<Waker>(loop, [&] { log.push_back("last"); });
  self = std::make_unique<Waker>(loop, [&] {
    next.reset();
    last.reset();
    log.push_back("self");
    self.reset();
  });
  self->wake();
  next->wake();
  between.wake();
  last->wake();
  turn();
  EXPECT_EQ(log, (Log{"self", "between"}));
}

}  // namespace
}  // namespace gatehouse
