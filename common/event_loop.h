// One thread's loop, on libevent (edge-triggered epoll). Made, run and destroyed on its thread; only post() and stop()
// may be called from others. Everything registered (IoWatcher, Timer, Waker) is a member of its user and unregisters
// itself when destroyed; all of them must be gone before the loop is. A turn:
//
//   wait --> I/O events --> posted tasks --> due timers --> woken Wakers --> retired objects are destroyed
//
//   woken Wakers:  progress, progress, ... --> flush --> progress, ... --> flush --> until there are none
//
// A progress Waker is followed at once by those that it wakes; a flush Waker runs when no progress Waker is left. In a
// large batch of events progress Wakers also run after every 16 of them: what an exchange needs is still in the cache.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "common/clock.h"

struct event_base;

namespace gatehouse {

class IoWatcher;
class Timer;
class TimerHeap;
class Waker;

class EventLoop {
 public:
  enum class Wait { kForEvents, kNever };

  // Aborts the process if the system has no descriptors or memory for a loop. `clock` outlives the loop.
  explicit EventLoop(const Clock& clock = Clock::system());
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  // Takes turns until stop(), at least one.
  void run();
  // Takes one turn. kForEvents waits until there is something to do; kNever does what there is, as tests with a
  // ManualClock want it. REQUIRES: not within a turn
  void turn(Wait wait);
  // Any thread: makes run() return at the end of the current turn, and ends its wait.
  void stop();

  // Any thread: runs `task` on the loop's thread, in the order of the calls and never inside this one; a waiting loop
  // wakes up for it. Tasks that are left when the loop is destroyed are destroyed unrun.
  void post(std::move_only_function<void()> task);

  // Destroys `object` at the end of this turn, when no frame of it is on the stack. Until then it may still be called
  // by what it has registered.
  template <class T>
  void retire(std::unique_ptr<T> object) {
    if (object) retired_.push_back([held = std::move(object)]() mutable { held.reset(); });
  }

  // The time of this turn: read from the clock once, when the wait is over, so that all of the turn sees the same.
  // Outside a turn it is the clock's.
  MonotonicTime now() const { return in_turn_ ? now_ : clock_.monotonic(); }
  WallTime wall_now() const { return clock_.wall(); }

 private:
  friend class IoWatcher;
  friend class Timer;
  friend class Waker;
  // The libevent side.
  struct Reactor;
  struct WokenList {
    Waker* first = nullptr;
    Waker* last = nullptr;
    // While one runs: who stood behind it, and stands behind those that it wakes.
    Waker* resume = nullptr;
  };

  event_base* base() const;
  // Called by whatever happens first in a turn.
  void note_time();
  void wait_for_events(bool may_block);
  void run_posted();
  void event_handled();
  void run_wakers();
  bool run_first(WokenList& list);
  void destroy_retired();
  void interrupt_wait();

  const Clock& clock_;
  MonotonicTime now_;
  bool in_turn_ = false;
  std::unique_ptr<Reactor> reactor_;
  std::unique_ptr<TimerHeap> timers_;
  WokenList progress_;
  WokenList flush_;
  std::vector<std::move_only_function<void()>> retired_;
  std::mutex posted_mutex_;
  std::vector<std::move_only_function<void()>> posted_;
};

}  // namespace gatehouse
