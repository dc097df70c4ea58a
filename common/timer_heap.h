// The armed timers of one loop, in an intrusive 4-ary heap. Owned by the EventLoop, on its thread. A timer stands at
// the time it was first queued for; when that comes and its owner has meanwhile pushed the deadline on, it is queued
// again.
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
  void enqueue(Timer& timer);
  void remove(Timer& timer);
  MonotonicTime next() const { return heap_.empty() ? MonotonicTime::max() : heap_.front().at; }
  bool empty() const { return heap_.empty(); }
  // Runs what is due. What is armed meanwhile waits for the next call, even if its time has come.
  void run_due(MonotonicTime now);

 private:
  struct Entry {
    MonotonicTime at;
    Timer* timer;
  };
  void collect_due(MonotonicTime now);
  void shuffle_due();
  void remove_at(std::size_t slot);
  void sift_up(std::size_t slot, Entry entry);
  void sift_down(std::size_t slot, Entry entry);
  void put(std::size_t slot, Entry entry);

  std::vector<Entry> heap_;
  std::vector<Timer*> due_;  // of the run that is going on; null where a timer has been destroyed
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
