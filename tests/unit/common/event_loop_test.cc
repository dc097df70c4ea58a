#include "common/event_loop.h"

#include <atomic>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "common/coalesced_post.h"
#include "common/io_watcher.h"
#include "common/timer.h"
#include "common/waker.h"
#include "tests/support/loop_testing.h"
#include "tests/support/stream_testing.h"

namespace gatehouse {
namespace {

using namespace std::chrono_literals;
using testing_support::connected_pair;
using testing_support::Log;
using testing_support::SocketKind;

class LoopTest : public testing_support::LoopTest {};

TEST_F(LoopTest, ATurnIsIoThenTimersThenWakersThenFlushThenRetiredObjects) {
  struct Noted {
    Log& log;
    explicit Noted(Log& where) : log(where) {}
    Noted(const Noted&) = delete;
    Noted& operator=(const Noted&) = delete;
    ~Noted() { log.push_back("retired"); }
  };
  const auto [ours, theirs] = connected_pair(SocketKind::kUnix);
  Waker flush(loop, [&] { log.push_back("flush"); }, Waker::Phase::kFlush);
  Waker progress(loop, [&] { log.push_back("progress"); });
  Timer timer(loop, [&] { log.push_back("timer"); });
  const IoWatcher watcher(loop, ours.get(), [&](IoEvents) {
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

TEST_F(LoopTest, ACoalescedPostRunsOnceForAllWhoAskBeforeItDoes) {
  CoalescedPost post;
  const auto ask = [&] { post.post(loop, [&] { log.push_back("told"); }); };
  ask();
  ask();
  turn();
  EXPECT_EQ(log, (Log{"told"}));
  ask();
  turn();
  EXPECT_EQ(log, (Log{"told", "told"}));
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
