#include "common/timer.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

#include "common/timer_heap.h"
#include "tests/support/loop_testing.h"

namespace gatehouse {
namespace {

using namespace std::chrono_literals;
using testing_support::Log;

class TimerTest : public testing_support::LoopTest {};

TEST_F(TimerTest, RunsAtItsTimeAndNotBefore) {
  Timer timer(loop, [&] { log.push_back("expired"); });
  timer.arm(100ms);
  EXPECT_TRUE(timer.armed());
  advance(99ms);
  EXPECT_TRUE(log.empty());
  advance(1ms);
  EXPECT_EQ(log.size(), 1U);
  EXPECT_FALSE(timer.armed());
  advance(1h);
  EXPECT_EQ(log.size(), 1U);
}

TEST_F(TimerTest, PushedLaterItDoesNotRunAtTheOldTime) {
  Timer timer(loop, [&] { log.push_back("expired"); });
  timer.arm(100ms);
  for (int i = 0; i < 20; ++i) {
    advance(90ms);
    timer.arm(100ms);
  }
  EXPECT_TRUE(log.empty());
  advance(99ms);
  EXPECT_TRUE(log.empty());
  advance(1ms);
  EXPECT_EQ(log.size(), 1U);
}

TEST_F(TimerTest, PulledEarlierItRunsAtTheNewTimeOnly) {
  Timer other(loop, [&] { log.push_back("other"); });
  Timer timer(loop, [&] { log.push_back("expired"); });
  other.arm(500ms);
  timer.arm(1s);
  timer.arm(50ms);
  advance(50ms);
  EXPECT_EQ(log, Log{"expired"});
  advance(2s);
  EXPECT_EQ(log, (Log{"expired", "other"}));
}

TEST_F(TimerTest, DisarmedItDoesNotRunAndCanBeArmedAgain) {
  Timer timer(loop, [&] { log.push_back("expired"); });
  timer.arm(10ms);
  timer.disarm();
  EXPECT_FALSE(timer.armed());
  advance(20ms);
  EXPECT_TRUE(log.empty());
  timer.arm(10ms);
  timer.disarm();
  timer.arm(5ms);
  advance(5ms);
  EXPECT_EQ(log.size(), 1U);
}

TEST_F(TimerTest, ZeroOrLessMeansTheNextTurnNotThisOne) {
  int runs = 0;
  std::optional<Timer> timer;
  timer.emplace(loop, [&] {
    if (++runs < 3) timer->arm(runs == 1 ? 0ms : -5ms);
  });
  timer->arm(-1h);
  turn();
  EXPECT_EQ(runs, 1);
  turn();
  EXPECT_EQ(runs, 2);
  turn();
  EXPECT_EQ(runs, 3);
}

TEST_F(TimerTest, OneThatExpiresMayDisarmPushOnOrDestroyOthersThatAreDue) {
  auto destroyed = std::make_unique<Timer>(loop, [&] { log.push_back("destroyed"); });
  Timer disarmed(loop, [&] { log.push_back("disarmed"); });
  Timer pushed(loop, [&] { log.push_back("pushed"); });
  Timer breaker(loop, [&] {
    destroyed.reset();
    disarmed.disarm();
    pushed.arm(1s);
  });
  breaker.arm(1ms);
  destroyed->arm(2ms);
  disarmed.arm(3ms);
  pushed.arm(4ms);
  advance(10ms);
  EXPECT_TRUE(log.empty());
  advance(1s);
  EXPECT_EQ(log, Log{"pushed"});
}

TEST_F(TimerTest, MayDestroyItself) {
  std::unique_ptr<Timer> timer;
  timer = std::make_unique<Timer>(loop, [&] {
    log.push_back("expired");
    timer.reset();
  });
  timer->arm(1ms);
  advance(1ms);
  EXPECT_EQ(log.size(), 1U);
}

TEST_F(TimerTest, ManyRunInTheOrderOfTheirTimesAfterAnyMixOfChanges) {
  std::vector<MonotonicTime> ran;
  std::vector<std::unique_ptr<Timer>> timers;
  std::size_t expected = 0;
  for (int i = 0; i < 300; ++i) {
    timers.push_back(std::make_unique<Timer>(loop, [&] { ran.push_back(loop.now()); }));
    timers.back()->arm(std::chrono::milliseconds(i * 7919 % 1000 + 1));
  }
  for (std::size_t i = 0; i < timers.size(); ++i) {
    if (i % 5 == 0) timers[i].reset();
    if (i % 5 == 1) timers[i]->disarm();
    if (i % 5 == 2) timers[i]->arm(std::chrono::milliseconds(i % 97 + 1));
    if (i % 5 == 3) timers[i]->arm(std::chrono::milliseconds(1000 + i));
    if (i % 5 >= 2) ++expected;
  }
  for (int i = 0; i < 1400; ++i) {
    const std::size_t before = ran.size();
    advance(1ms);
    for (std::size_t k = before; k < ran.size(); ++k) EXPECT_EQ(ran[k], clock.monotonic());
  }
  EXPECT_EQ(ran.size(), expected);
}

TEST_F(TimerTest, ADeadlineBeyondAllTimeIsHarmless) {
  Timer timer(loop, [&] { log.push_back("expired"); });
  timer.arm(Duration::max());
  advance(24h);
  EXPECT_TRUE(timer.armed());
  EXPECT_TRUE(log.empty());
}

TEST_F(TimerTest, OutsideATurnItCountsFromTheClockNotFromTheLastTurn) {
  turn();
  clock.advance(10s);
  Timer timer(loop, [&] { log.push_back("expired"); });
  timer.arm(1s);
  turn();
  EXPECT_TRUE(log.empty());
  advance(1s);
  EXPECT_EQ(log.size(), 1U);
}

TEST_F(TimerTest, InDisorderTheSeedDecidesAmongThoseThatAreDueAndNobodyIsForgotten) {
  const auto play = [&](std::uint64_t seed) {
    const TimerDisorder disorder(seed);
    std::vector<int> order;
    std::vector<std::unique_ptr<Timer>> timers;
    for (int i = 0; i < 20; ++i) {
      timers.push_back(std::make_unique<Timer>(loop, [&, i] {
        order.push_back(i);
        if (i == 7) timers[3].reset();
        if (i == 3) timers[7].reset();
      }));
      timers.back()->arm(std::chrono::seconds(i));
    }
    Timer later(loop, [&] { ADD_FAILURE() << "not due"; });
    later.arm(1h);
    advance(20s);
    return order;
  };
  const std::vector<int> first = play(1);
  EXPECT_EQ(first.size(), 19U);
  EXPECT_FALSE(std::ranges::is_sorted(first));
  EXPECT_EQ(play(1), first);
  EXPECT_NE(play(2), first);
}

TEST(EventLoopTest, WaitsForATimerByTheSystemClock) {
  EventLoop loop;
  const MonotonicTime start = Clock::system().monotonic();
  MonotonicTime ended{};
  Timer later(loop, [] { FAIL() << "an hour has not passed"; });
  Timer timer(loop, [&] {
    ended = Clock::system().monotonic();
    loop.stop();
  });
  later.arm(1h);
  timer.arm(1h);
  timer.arm(20ms);
  loop.run();
  EXPECT_GE(ended - start, 20ms);
}

}  // namespace
}  // namespace gatehouse
