// The armed timers of one loop, in an intrusive 4-ary heap: each timer knows its slot. Owned by the EventLoop, on its
// thread; Timer and EventLoop are all that use it. A timer stands at the time it was first queued for; when that comes
// and its owner has meanwhile pushed the deadline on, it is queued again, and forgotten if it was disarmed. What is due
// when it is armed, as "in the next turn" is said, waits in a line of its own, which costs less.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "common/clock.h"

namespace gatehouse {

class Timer;

class TimerHeap {
 public:
  // Queues the timer for its deadline unless it stands in the queue already, at or before that time.
  void enqueue(Timer& timer, MonotonicTime now);
  // Takes a timer out that is about to be destroyed, also out of the run that is going on.
  void remove(Timer& timer);
  // When run_due() has something to do next, which may only be to queue a timer again: the beginning of time if it has at
  // once, max() if there is nothing.
  MonotonicTime next() const {
    if (!at_once_.empty()) return {};
    return heap_.empty() ? MonotonicTime::max() : heap_.front().at;
  }
  bool empty() const { return heap_.empty() && at_once_.empty(); }
  // Runs what is due, in the order of the times. A timer that is armed meanwhile waits for the next call, even if its
  // time has come; one that is due but disarmed or destroyed before its turn does not run.
  void run_due(MonotonicTime now);

 private:
  struct Entry {
    MonotonicTime at;
    Timer* timer;
  };
  void collect_due(MonotonicTime now);
  // Of a timer that stands nowhere: it is due, to be queued again, or disarmed.
  void sort_in(Timer& timer, MonotonicTime now);
  void shuffle_due();
  void remove_at(std::size_t slot);
  void sift_up(std::size_t slot, Entry entry);
  void sift_down(std::size_t slot, Entry entry);
  void put(std::size_t slot, Entry entry);

  std::vector<Entry> heap_;
  // Were due when they were armed.
  std::vector<Timer*> at_once_;
  // Of the run that is going on; null where a timer has been destroyed.
  std::vector<Timer*> due_;
};

// For tests: as long as one lives, the loops of its thread run the timers that are due in one turn in an order that the
// seed decides, and not in that of their times. With a clock that jumps over all deadlines every order is seen in which
// a stalled process may find its timers. At most one a thread.
class TimerDisorder {
 public:
  explicit TimerDisorder(std::uint64_t seed);
  ~TimerDisorder();
  TimerDisorder(const TimerDisorder&) = delete;
  TimerDisorder& operator=(const TimerDisorder&) = delete;

 private:
  friend class TimerHeap;
  std::mt19937_64 random_;
};

}  // namespace gatehouse
