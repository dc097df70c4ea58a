// The watchdog feeds while every loop turns, each on its own thread, and not when one of them hangs in a turn.
#include "proxy/system/watchdog.h"

#include <chrono>
#include <future>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "common/clock.h"
#include "common/event_loop.h"

namespace gatehouse {
namespace {

using namespace std::chrono_literals;

// A loop on a thread of its own, which can be made to hang in a turn.
class LoopThread {
 public:
  LoopThread() {
    std::promise<EventLoop*> ready;
    auto made = ready.get_future();
    thread_ = std::thread([&ready, this] {
      EventLoop loop;
      ready.set_value(&loop);
      loop.run();
      ended_.get_future().wait();  // stop() still touches the loop
    });
    loop_ = made.get();
  }
  LoopThread(const LoopThread&) = delete;
  LoopThread& operator=(const LoopThread&) = delete;
  ~LoopThread() {
    loop_->stop();
    ended_.set_value();
    thread_.join();
  }

  EventLoop& loop() { return *loop_; }
  void hang(std::shared_future<void> until) {
    std::promise<void> hanging;
    auto begun = hanging.get_future();
    loop_->post([&hanging, until] {
      hanging.set_value();
      until.wait();
    });
    begun.wait();
  }
  void come_round() {
    std::promise<void> round;
    loop_->post([&round] { round.set_value(); });
    round.get_future().wait();
  }

 private:
  std::promise<void> ended_;
  EventLoop* loop_ = nullptr;
  std::thread thread_;
};

class WatchdogTest : public testing::Test {
 protected:
  void pass(Duration time) {
    clock.advance(time);
    control.turn(EventLoop::Wait::kNever);
  }
  // After both loops have come to what was posted before.
  void pass_when_replied(Duration time) {
    first.come_round();
    second.come_round();
    pass(time);
  }

  ManualClock clock;
  EventLoop control{clock};
  LoopThread first;
  LoopThread second;
  int fed = 0;
  Watchdog watchdog{
      control, {&first.loop(), &second.loop()}, {.interval = 100ms, .patience = 300ms, .feed = [this] { ++fed; }}};
};

TEST_F(WatchdogTest, FeedsOnceAnIntervalWhileAllLoopsTurn) {
  EXPECT_EQ(fed, 0);
  pass_when_replied(50ms);
  EXPECT_EQ(fed, 0);
  pass_when_replied(60ms);
  EXPECT_EQ(fed, 1);
  for (int i = 0; i < 5; ++i) pass_when_replied(110ms);
  EXPECT_EQ(fed, 6);
}

TEST_F(WatchdogTest, ALoopThatHangsStopsTheFeedingUntilItTurnsAgain) {
  for (LoopThread* hanging : {&first, &second}) {
    const int before = fed;
    pass_when_replied(110ms);
    EXPECT_EQ(fed, before + 1);
    first.come_round();
    second.come_round();
    std::promise<void> end;
    hanging->hang(end.get_future().share());
    pass(110ms);  // what was answered before it hung
    EXPECT_EQ(fed, before + 2);
    for (int i = 0; i < 5; ++i) pass(110ms);
    EXPECT_EQ(fed, before + 2);
    end.set_value();
    pass_when_replied(110ms);
    EXPECT_EQ(fed, before + 3);
  }
}

TEST_F(WatchdogTest, WhoHangsIsToldAfterAWhileAndUntilItTurnsAgain) {
  pass_when_replied(110ms);
  first.come_round();
  second.come_round();
  std::promise<void> end;
  second.hang(end.get_future().share());
  pass(110ms);  // what was answered before it hung
  EXPECT_EQ(watchdog.trouble(), "");
  first.come_round();
  pass(290ms);
  EXPECT_EQ(watchdog.trouble(), "") << "a turn may take a while";
  pass(110ms);
  EXPECT_EQ(watchdog.trouble(), "worker-1 has not come round for 0.4 s");
  EXPECT_EQ(watchdog.hanging(), std::vector<std::size_t>{1});
  end.set_value();
  second.come_round();
  EXPECT_EQ(watchdog.trouble(), "") << "it is known at once";
}

TEST_F(WatchdogTest, AControlLoopThatDoesNotTurnFeedsNothing) {
  first.come_round();
  second.come_round();
  clock.advance(10s);
  EXPECT_EQ(fed, 0);
  control.turn(EventLoop::Wait::kNever);
  EXPECT_EQ(fed, 1);
}

}  // namespace
}  // namespace gatehouse
