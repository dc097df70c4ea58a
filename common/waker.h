// A wake-up that its owner can receive: how one half of an exchange tells the other of progress without calling it.
// Member of its owner, same thread as the loop. Waking twice before it runs runs it once; destroying it cancels it.
// Progress wakers run after the turn's I/O (in a large batch of events also in between), and whoever one of them wakes
// runs right behind it; flush wakers run when no progress waker is left, so that a connection writes once a turn.
#pragma once

#include <functional>

namespace gatehouse {

class EventLoop;

class Waker {
 public:
  enum class Phase { kProgress, kFlush };

  // `run` is called once for each wake() that was not cancelled, those before it included. It may wake its own waker,
  // and may destroy its owner.
  Waker(EventLoop& loop, std::move_only_function<void()> run, Phase phase = Phase::kProgress);
  ~Waker() { cancel(); }
  Waker(const Waker&) = delete;
  Waker& operator=(const Waker&) = delete;

  // Runs it within this turn, never inside this call. Outside of a turn, or where objects are retired at its end, it
  // runs in the next turn, which does not wait.
  void wake();
  // Does nothing if it was not woken.
  void cancel();
  // Whether it is going to run.
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
