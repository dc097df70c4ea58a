// A one-shot timer, member of its owner, on the loop's thread. Made for timeouts that are pushed on with every request:
// arming it for later and disarming it touch only the timer itself; the queue is corrected when the old time comes.
// Resolution: a millisecond, and never early.
#pragma once

#include <cstddef>
#include <functional>

#include "common/clock.h"

namespace gatehouse {

class EventLoop;

class Timer {
 public:
  // `expired` is called once for each time the timer was armed, unless it was disarmed or armed anew before; the timer
  // is disarmed by then. It may arm the timer again, or destroy its owner.
  Timer(EventLoop& loop, std::move_only_function<void()> expired);
  // Disarms it.
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  // Counts from the loop's now() and replaces an earlier setting; anything beyond 30 years is 30 years. With after <= 0
  // it expires when the loop next comes to its timers: in this turn if that is still to come, and never inside this
  // call.
  void arm(Duration after);
  // Replaces an earlier setting. MonotonicTime::max() disarms.
  void arm_at(MonotonicTime at);
  void disarm() { deadline_ = MonotonicTime::max(); }
  bool armed() const { return deadline_ != MonotonicTime::max(); }

 private:
  friend class TimerHeap;
  EventLoop& loop_;
  std::move_only_function<void()> expired_;
  // What the owner wants.
  MonotonicTime deadline_ = MonotonicTime::max();
  // Where it stands in the queue, if slot_ says that it does.
  MonotonicTime queued_at_{};
  static constexpr std::size_t kNotQueued = static_cast<std::size_t>(-1);
  std::size_t slot_ = kNotQueued;
};

}  // namespace gatehouse
