// A one-shot timer, member of its owner, on the loop's thread. Made for timeouts that are pushed on with every request:
// arming it for later and disarming it touch only the timer itself; the queue is corrected when the old time comes.
// Resolution: a millisecond. `expired` may destroy the timer's owner.
#pragma once

#include <cstddef>
#include <functional>

#include "common/clock.h"

namespace gatehouse {

class EventLoop;

class Timer {
 public:
  Timer(EventLoop& loop, std::move_only_function<void()> expired);
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  void arm(Duration after);  // from now; replaces an earlier setting. after <= 0 runs in the next turn
  void arm_at(MonotonicTime at);
  void disarm() { deadline_ = MonotonicTime::max(); }
  bool armed() const { return deadline_ != MonotonicTime::max(); }

 private:
  friend class TimerHeap;
  EventLoop& loop_;
  std::move_only_function<void()> expired_;
  MonotonicTime deadline_ = MonotonicTime::max();  // what the owner wants
  MonotonicTime queued_at_{};                      // where it stands in the queue, if slot_ says so
  static constexpr std::size_t kNotQueued = static_cast<std::size_t>(-1);
  std::size_t slot_ = kNotQueued;
};

}  // namespace gatehouse
