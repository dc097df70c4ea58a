// One thread's loop, on libevent (edge-triggered epoll). Made, run and destroyed on its thread; only post() and stop()
// may be called from others. Everything registered (IoWatcher, Timer, Waker) is a member of its user and unregisters
// itself when destroyed; all of them must be gone before the loop is.
//
// A turn: one batch of I/O and due timers, then every woken progress Waker, each followed at once by those that it
// wakes, then the flush Wakers, again while there are any, and last the retired objects are destroyed. In a large batch
// progress Wakers also run between events: what one exchange needs is still in the cache when its next step comes.
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

  explicit EventLoop(const Clock& clock = Clock::system());
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  void run();            // turns until stop()
  void turn(Wait wait);  // one turn; tests with a ManualClock use kNever
  void stop();           // any thread: run() returns at the end of the current turn

  // Any thread: runs `task` on the loop's thread in a later turn. Tasks posted after the loop's end are destroyed
  // unrun.
  void post(std::move_only_function<void()> task);

  // Destroys `object` at the end of this turn, when no frame of it is on the stack.
  template <class T>
  void retire(std::unique_ptr<T> object) {
    if (object) retired_.push_back([held = std::move(object)]() mutable { held.reset(); });
  }

  MonotonicTime now() const { return in_turn_ ? now_ : clock_.monotonic(); }  // read once per turn
  WallTime wall_now() const { return clock_.wall(); }

 private:
  friend class IoWatcher;
  friend class Timer;
  friend class Waker;
  struct Reactor;  // the libevent side
  struct WokenList {
    Waker* first = nullptr;
    Waker* last = nullptr;
    Waker* resume = nullptr;  // while one runs: who stood behind it, and stands behind those that it wakes
  };

  event_base* base() const;
  void note_time();  // by whatever happens first in a turn
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
