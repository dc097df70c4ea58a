// A wake-up that its owner can receive: how one half of an exchange tells the other of progress without calling it.
// Member of its owner, same thread as the loop. Waking twice before it runs runs it once; destroying it cancels it.
// Progress wakers run after the turn's I/O, and whoever one of them wakes runs right behind it; flush wakers run after
// all progress, so that a connection writes once a turn.
#pragma once

#include <functional>

namespace gatehouse {

class EventLoop;

class Waker {
 public:
  enum class Phase { kProgress, kFlush };

  Waker(EventLoop& loop, std::move_only_function<void()> run, Phase phase = Phase::kProgress);
  ~Waker() { cancel(); }
  Waker(const Waker&) = delete;
  Waker& operator=(const Waker&) = delete;

  void wake();  // runs within this turn, never inside this call; may destroy its owner
  void cancel();
  bool woken() const { return queued_; }

 private:
  friend class EventLoop;
  EventLoop& loop_;
  std::move_only_function<void()> run_;
  Phase phase_;
  bool queued_ = false;
  Waker* previous_ = nullptr;
  Waker* next_ = nullptr;
};

}  // namespace gatehouse
