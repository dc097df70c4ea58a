// Errands of several folders, some of which never end.
#include "proxy/files/file_pool.h"

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>

#include <gtest/gtest.h>

#include "common/loop_question.h"
#include "tests/support/loop_testing.h"

namespace gatehouse {
namespace {

// A disk that does not answer, until it does.
class Gate {
 public:
  void open() {
    const std::scoped_lock lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void pass() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
  }
  void await(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return waiting_ >= count; });
  }
  std::size_t waiting() {
    const std::scoped_lock lock(mutex_);
    return waiting_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t waiting_ = 0;
  bool open_ = false;
};

class FilePoolTest : public testing_support::LoopTest {
 protected:
  // Turns until the question is answered: it is by another thread, which posts.
  void await(const LoopQuestion<int>& question) {
    while (question.waits()) loop.turn(EventLoop::Wait::kForEvents);
  }

  std::shared_ptr<FilePool> pool = std::make_shared<FilePool>();
};

TEST_F(FilePoolTest, AQuestionIsAnsweredOnTheLoop) {
  int answer = 0;
  LoopQuestion<int> question(loop, [&](int outcome) { answer = outcome; });
  FileLane::of(pool).run(question.ask([] { return 7; }));
  EXPECT_TRUE(question.waits());
  await(question);
  EXPECT_EQ(answer, 7);
}

TEST_F(FilePoolTest, ALaneThatHangsKeepsTheOthersFromNothing) {
  const auto gate = std::make_shared<Gate>();
  const FileLane slow = FileLane::of(pool);
  for (int i = 0; i < 20; ++i) slow.run([gate] { gate->pass(); });
  gate->await(FilePool::kMostOfLane);
  int answer = 0;
  LoopQuestion<int> question(loop, [&](int outcome) { answer = outcome; });
  FileLane::of(pool).run(question.ask([] { return 7; }));
  await(question);
  EXPECT_EQ(answer, 7);
  EXPECT_EQ(gate->waiting(), FilePool::kMostOfLane);
  gate->open();
  gate->await(20);
}

TEST_F(FilePoolTest, AQuestionThatIsTakenBackHasNoAnswer) {
  const auto gate = std::make_shared<Gate>();
  const FileLane lane = FileLane::of(pool);
  const auto asked = std::make_shared<std::atomic<int>>(0);
  for (std::size_t i = 0; i < FilePool::kMostOfLane; ++i) lane.run([gate] { gate->pass(); });
  gate->await(FilePool::kMostOfLane);
  {
    LoopQuestion<int> question(loop, [](int) { ADD_FAILURE(); });
    lane.run(question.ask([asked] { return ++*asked; }));
  }
  gate->open();
  int answer = 0;
  LoopQuestion<int> last(loop, [&](int outcome) { answer = outcome; });
  lane.run(last.ask([] { return 7; }));
  await(last);
  EXPECT_EQ(answer, 7);
  EXPECT_EQ(*asked, 0);
}

TEST_F(FilePoolTest, APoolEndsWhileAnErrandHangs) {
  const auto gate = std::make_shared<Gate>();
  {
    const FileLane lane = FileLane::of(std::make_shared<FilePool>());
    lane.run([gate] { gate->pass(); });
    gate->await(1);
  }
  gate->open();
}

}  // namespace
}  // namespace gatehouse
