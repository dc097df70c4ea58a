#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "common/event_loop.h"
#include "common/fd.h"
#include "common/io_watcher.h"
#include "common/timer.h"
#include "common/waker.h"

namespace gatehouse {
namespace {

using namespace std::chrono_literals;
using Log = std::vector<std::string>;

class LoopTest : public testing::Test {
 protected:
  void turn() { loop.turn(EventLoop::Wait::kNever); }

  ManualClock clock;
  EventLoop loop{clock};
  Log log;
};

class WakerTest : public LoopTest {};

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

TEST_F(WakerTest, RunsFirstInFirstOutWithThoseWokenMeanwhile) {
  Waker third(loop, [&] { log.push_back("third"); });
  Waker first(loop, [&] {
    log.push_back("first");
    third.wake();
  });
  Waker second(loop, [&] { log.push_back("second"); });
  first.wake();
  second.wake();
  turn();
  EXPECT_EQ(log, (Log{"first", "second", "third"}));
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

class TimerTest : public LoopTest {
 protected:
  void advance(Duration by) {
    clock.advance(by);
    turn();
  }
};

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

struct Pipe {
  Pipe() {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
    out = Fd(ends[0]);
    in = Fd(ends[1]);
  }
  Fd out;
  Fd in;
};

struct Pair {
  Pair() {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    ours = Fd(ends[0]);
    theirs = Fd(ends[1]);
  }
  Fd ours;
  Fd theirs;
};

class IoWatcherTest : public LoopTest {};

TEST_F(IoWatcherTest, TellsEachEdgeOnceAndBothDirectionsAndTheEnd) {
  const Pair pair;
  std::vector<IoEvents> seen;
  const IoWatcher watcher(loop, pair.ours.get(), [&](IoEvents events) { seen.push_back(events); });
  turn();
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_TRUE(seen[0].writable);
  EXPECT_FALSE(seen[0].readable);
  turn();
  EXPECT_EQ(seen.size(), 1U) << "edge-triggered";
  ASSERT_EQ(::write(pair.theirs.get(), "x", 1), 1);
  turn();
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_TRUE(seen[1].readable);
  EXPECT_FALSE(seen[1].closed);
  turn();
  EXPECT_EQ(seen.size(), 2U) << "nothing new, though the byte is unread";
  ::shutdown(pair.theirs.get(), SHUT_WR);
  turn();
  ASSERT_EQ(seen.size(), 3U);
  EXPECT_TRUE(seen[2].closed);
}

TEST_F(IoWatcherTest, APipeThatIsClosedBecomesReadable) {
  Pipe pipe;
  std::vector<IoEvents> seen;
  const IoWatcher watcher(loop, pipe.out.get(), [&](IoEvents events) { seen.push_back(events); });
  turn();
  EXPECT_TRUE(seen.empty());
  pipe.in.reset();
  turn();
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_TRUE(seen[0].readable);
}

TEST_F(IoWatcherTest, OneMayDestroyAnotherOfTheSameBatchAndItself) {
  const Pair a;
  const Pair b;
  std::unique_ptr<IoWatcher> watch_a;
  std::unique_ptr<IoWatcher> watch_b;
  const auto ready = [&](IoEvents) {
    log.push_back("called");
    watch_a.reset();
    watch_b.reset();
  };
  watch_a = std::make_unique<IoWatcher>(loop, a.ours.get(), ready);
  watch_b = std::make_unique<IoWatcher>(loop, b.ours.get(), ready);
  turn();
  EXPECT_EQ(log.size(), 1U);
}

TEST_F(IoWatcherTest, ANumberThatIsUsedAgainGetsEventsOfTheNewDescriptorOnly) {
  auto first = std::make_unique<Pair>();
  const int number = first->ours.get();
  auto watcher = std::make_unique<IoWatcher>(loop, number, [&](IoEvents) { log.push_back("old"); });
  watcher.reset();
  first.reset();
  const Pair second;
  ASSERT_EQ(second.ours.get(), number);
  const IoWatcher again(loop, number, [&](IoEvents) { log.push_back("new"); });
  turn();
  EXPECT_EQ(log, Log{"new"});
}

TEST_F(LoopTest, ATurnIsIoThenTimersThenWakersThenFlushThenRetiredObjects) {
  struct Noted {
    Log& log;
    explicit Noted(Log& where) : log(where) {}
    Noted(const Noted&) = delete;
    Noted& operator=(const Noted&) = delete;
    ~Noted() { log.push_back("retired"); }
  };
  const Pair pair;
  Waker flush(loop, [&] { log.push_back("flush"); }, Waker::Phase::kFlush);
  Waker progress(loop, [&] { log.push_back("progress"); });
  Timer timer(loop, [&] { log.push_back("timer"); });
  const IoWatcher watcher(loop, pair.ours.get(), [&](IoEvents) {
    log.push_back("io");
    loop.retire(std::make_unique<Noted>(log));
    flush.wake();
    progress.wake();
  });
  timer.arm(0ms);
  turn();
  EXPECT_EQ(log, (Log{"io", "timer", "progress", "flush", "retired"}));
}

TEST_F(LoopTest, TimeStandsStillDuringATurn) {
  MonotonicTime before{};
  MonotonicTime after{};
  Waker waker(loop, [&] {
    before = loop.now();
    clock.advance(5s);
    after = loop.now();
  });
  waker.wake();
  turn();
  EXPECT_EQ(before, after);
  EXPECT_EQ(loop.now(), clock.monotonic());
}

TEST_F(LoopTest, ARetiredObjectMayRetireMoreAndWakeForTheNextTurn) {
  struct Chain {
    EventLoop& loop;
    Waker& waker;
    Log& log;
    std::unique_ptr<Chain> next;
    Chain(EventLoop& l, Waker& w, Log& where, std::unique_ptr<Chain> n)
        : loop(l), waker(w), log(where), next(std::move(n)) {}
    Chain(const Chain&) = delete;
    Chain& operator=(const Chain&) = delete;
    ~Chain() {
      log.push_back("destroyed");
      waker.wake();
      loop.retire(std::move(next));
    }
  };
  Waker waker(loop, [&] { log.push_back("woken"); });
  loop.retire(std::make_unique<Chain>(loop, waker, log, std::make_unique<Chain>(loop, waker, log, nullptr)));
  turn();
  EXPECT_EQ(log, (Log{"destroyed", "destroyed"}));
  loop.turn(EventLoop::Wait::kForEvents);
  EXPECT_EQ(log, (Log{"destroyed", "destroyed", "woken"}));
}

TEST_F(LoopTest, PostedTasksRunInOrderInALaterTurnAlsoThoseOfATask) {
  loop.post([&] {
    log.push_back("one");
    loop.post([&] { log.push_back("three"); });
  });
  loop.post([&] { log.push_back("two"); });
  EXPECT_TRUE(log.empty());
  turn();
  EXPECT_EQ(log, (Log{"one", "two"}));
  turn();
  EXPECT_EQ(log, (Log{"one", "two", "three"}));
  turn();
  EXPECT_EQ(log.size(), 3U);
}

TEST(EventLoopTest, OtherThreadsPostAndStop) {
  EventLoop loop;
  constexpr int kThreads = 3;
  constexpr int kTasks = 2000;
  int ran = 0;
  std::vector<std::thread> threads;
  std::atomic<int> finished{0};
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < kTasks; ++i) loop.post([&] { ++ran; });
      if (++finished == kThreads) loop.post([&] { loop.stop(); });
    });
  }
  loop.run();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(ran, kThreads * kTasks);
}

TEST(EventLoopTest, StopBeforeRunEndsItAfterOneTurnAndItCanRunAgain) {
  EventLoop loop;
  loop.stop();
  loop.run();
  bool ran = false;
  loop.post([&] {
    ran = true;
    loop.stop();
  });
  loop.run();
  EXPECT_TRUE(ran);
}

TEST(EventLoopTest, WhatIsPostedAfterTheLastTurnIsDestroyedUnrun) {
  auto held = std::make_shared<int>(1);
  const std::weak_ptr<int> watched = held;
  bool ran = false;
  {
    EventLoop loop;
    loop.stop();
    loop.run();
    loop.post([&ran, held = std::move(held)] { ran = true; });
    EXPECT_FALSE(watched.expired());
  }
  EXPECT_TRUE(watched.expired());
  EXPECT_FALSE(ran);
}

TEST(EventLoopTest, AWakerWokenBeforeTheTurnDoesNotLetItWait) {
  EventLoop loop;
  bool ran = false;
  Waker waker(loop, [&] { ran = true; });
  waker.wake();
  loop.turn(EventLoop::Wait::kForEvents);
  EXPECT_TRUE(ran);
}

}  // namespace
}  // namespace gatehouse
