// Questions that another thread answers: on their loop, and nobody who has gone.
#include "common/loop_question.h"

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/loop_testing.h"

namespace gatehouse {
namespace {

using Errand = std::move_only_function<void()>;

void run_elsewhere(Errand errand) {
  std::thread([errand = std::move(errand)]() mutable { errand(); }).join();
}

class LoopQuestionTest : public testing_support::LoopTest {
 protected:
  LoopQuestion<int> question{loop, [this](int outcome) { told.push_back(outcome); }};
  std::vector<int> told;
};

TEST_F(LoopQuestionTest, IsAnsweredOnItsLoop) {
  std::optional<std::thread::id> ran;
  Errand errand = question.ask([&] {
    ran = std::this_thread::get_id();
    return 7;
  });
  EXPECT_TRUE(question.waits());
  run_elsewhere(std::move(errand));
  EXPECT_TRUE(told.empty());
  EXPECT_NE(ran, std::this_thread::get_id());
  loop.turn(EventLoop::Wait::kNever);
  EXPECT_EQ(told, std::vector{7});
  EXPECT_FALSE(question.waits());
}

TEST_F(LoopQuestionTest, OneThatIsTakenBackBeforeItsTurnIsNeverRun) {
  std::atomic<bool> ran = false;
  Errand errand = question.ask([&] {
    ran = true;
    return 1;
  });
  question.drop();
  EXPECT_FALSE(question.waits());
  run_elsewhere(std::move(errand));
  EXPECT_FALSE(ran);
}

TEST_F(LoopQuestionTest, OneThatIsTakenBackWhileItRunsTellsNobody) {
  Errand errand = question.ask([&] {
    question.drop();  // as the loop does it, which waits in run_elsewhere() meanwhile
    return 1;
  });
  run_elsewhere(std::move(errand));
  loop.turn(EventLoop::Wait::kNever);
  EXPECT_TRUE(told.empty());
}

TEST_F(LoopQuestionTest, OneThatIsTakenBackOnItsWayBackTellsNobody) {
  run_elsewhere(question.ask([] { return 1; }));
  question.drop();
  loop.turn(EventLoop::Wait::kNever);
  EXPECT_TRUE(told.empty());
}

TEST_F(LoopQuestionTest, AnotherTakesThePlaceOfOneThatWaits) {
  Errand first = question.ask([] { return 1; });
  Errand second = question.ask([] { return 2; });
  run_elsewhere(std::move(first));
  run_elsewhere(std::move(second));
  loop.turn(EventLoop::Wait::kNever);
  EXPECT_EQ(told, std::vector{2});
}

TEST_F(LoopQuestionTest, AnErrandMayOutliveItsLoop) {
  Errand errand;
  {
    EventLoop other;
    LoopQuestion<int> gone(other, [](int) { FAIL() << "nobody asks any more"; });
    errand = gone.ask([] { return 1; });
  }
  run_elsewhere(std::move(errand));
}

}  // namespace
}  // namespace gatehouse
