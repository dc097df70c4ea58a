// A question to another thread, whose answer comes on the loop: the errand that ask() returns is for whoever has threads
// (a pool, a queue). Destroying the question takes it back, wherever it is by then. A member of who asks, which is gone
// before its loop is; one loop's thread.
//
//   loop: threads.run(question.ask(f)) --> thread: f() --post--> loop: done(outcome)
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <utility>

#include "common/event_loop.h"

namespace gatehouse {

template <class Outcome>
class LoopQuestion {
 public:
  // `done` is called once for each question that is not taken back, never inside ask(). It must not destroy this, but
  // may ask again.
  LoopQuestion(EventLoop& loop, std::move_only_function<void(Outcome)> done) : loop_(loop), done_(std::move(done)) {}
  ~LoopQuestion() { drop(); }
  LoopQuestion(const LoopQuestion&) = delete;
  LoopQuestion& operator=(const LoopQuestion&) = delete;

  // True while a question has no answer yet.
  bool waits() const { return asked_ != nullptr; }

  // Asks instead of the question before it, if that still waits. `question` runs where the errand does, owns all that
  // it needs, and is dropped unasked if it is taken back before. An errand that is never run is no answer.
  std::move_only_function<void()> ask(std::move_only_function<Outcome()> question) {
    drop();
    asked_ = std::make_shared<Asked>(loop_, *this);
    return [asked = asked_, question = std::move(question)]() mutable {
      if (!asked->taken_back()) Asked::respond(asked, question());
    };
  }

  // What comes of the question is dropped.
  void drop() {
    if (asked_) asked_->take_back();
    asked_.reset();
  }

 private:
  // The loop is there for as long as nobody has taken the question back. The mutex is held for a moment.
  class Asked {
   public:
    Asked(EventLoop& loop, LoopQuestion& by) : loop_(&loop), by_(&by) {}

    bool taken_back() {
      const std::scoped_lock lock(mutex_);
      return loop_ == nullptr;
    }
    void take_back() {
      const std::scoped_lock lock(mutex_);
      loop_ = nullptr;
      by_ = nullptr;
    }
    static void respond(const std::shared_ptr<Asked>& asked, Outcome outcome) {
      const std::scoped_lock lock(asked->mutex_);
      if (asked->loop_ == nullptr) return;
      asked->loop_->post([asked, outcome = std::move(outcome)]() mutable {
        if (asked->by_ == nullptr) return;
        LoopQuestion& by = *asked->by_;
        by.asked_.reset();
        by.done_(std::move(outcome));
      });
    }

   private:
    std::mutex mutex_;
    EventLoop* loop_;
    // Read on the loop alone.
    LoopQuestion* by_;
  };

  EventLoop& loop_;
  std::move_only_function<void(Outcome)> done_;
  std::shared_ptr<Asked> asked_;
};

}  // namespace gatehouse
