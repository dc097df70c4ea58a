#include "common/event_loop.h"

#include <sys/eventfd.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <cassert>
#include <cerrno>
#include <cstdlib>
#include <utility>

#include <event2/event.h>

#include "common/fd.h"
#include "common/log.h"
#include "common/result.h"
#include "common/timer_heap.h"
#include "common/waker.h"

namespace gatehouse {

namespace {

struct BaseDeleter {
  void operator()(event_base* base) const { event_base_free(base); }
};
struct EventDeleter {
  void operator()(event* e) const { event_free(e); }
};
using BasePtr = std::unique_ptr<event_base, BaseDeleter>;
using EventPtr = std::unique_ptr<event, EventDeleter>;

constexpr int kEventsPerTurn = 64;
constexpr std::size_t kEventsBetweenProgress = 16;

// Without a loop there is no program: out of descriptors or memory at start.
[[noreturn]] void give_up(const char* what) {
  log::error("cannot make an event loop: {}", system_failure(what, errno).error().message);
  std::abort();
}

BasePtr make_base() {
  struct ConfigDeleter {
    void operator()(event_config* config) const { event_config_free(config); }
  };
  const std::unique_ptr<event_config, ConfigDeleter> config(event_config_new());
  if (!config) give_up("event_config_new");
  // No locks: post() and stop() cross threads by our own queue and eventfd.
  if (event_config_set_flag(config.get(), EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_IGNORE_ENV) != 0 ||
      event_config_require_features(config.get(), EV_FEATURE_ET | EV_FEATURE_EARLY_CLOSE) != 0 ||
      event_config_set_max_dispatch_interval(config.get(), nullptr, kEventsPerTurn, 0) != 0) {
    give_up("event_config");
  }
  BasePtr base(event_base_new_with_config(config.get()));
  if (!base) give_up("event_base_new_with_config");
  return base;
}

// Rounded up to the next millisecond, the poller's resolution.
timeval timeval_of(Duration wait) {
  const auto millis = std::chrono::ceil<std::chrono::milliseconds>(wait).count();
  return {.tv_sec = static_cast<time_t>(millis / 1000), .tv_usec = static_cast<suseconds_t>(millis % 1000 * 1000)};
}

}  // namespace

struct EventLoop::Reactor {
  BasePtr base = make_base();
  Fd interrupt{::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
  EventPtr interrupted;
  EventPtr timer;                                     // ends the wait when the next timer is due
  MonotonicTime timer_set_for{MonotonicTime::max()};  // max: not set
  bool time_known = false;                            // now_ has been read in this turn
  bool posted_waiting = false;
  std::size_t events_handled = 0;  // since progress wakers ran last
  std::atomic<bool> stop{false};
  std::vector<std::move_only_function<void()>> running;     // posted tasks of this turn; kept for its memory
  std::vector<std::move_only_function<void()>> destroying;  // the same for retired objects
};

EventLoop::EventLoop(const Clock& clock)
    : clock_(clock),
      now_(clock.monotonic()),
      reactor_(std::make_unique<Reactor>()),
      timers_(std::make_unique<TimerHeap>()) {
  if (!reactor_->interrupt) give_up("eventfd");
  event_base* base = reactor_->base.get();
  // Edge-triggered, so the eventfd need not be read: every write to it is a new edge.
  reactor_->interrupted.reset(event_new(
      base, reactor_->interrupt.get(), EV_READ | EV_ET | EV_PERSIST,
      [](evutil_socket_t, short, void* loop) {
        static_cast<EventLoop*>(loop)->note_time();
        static_cast<EventLoop*>(loop)->reactor_->posted_waiting = true;
      },
      this));
  reactor_->timer.reset(event_new(
      base, -1, EV_TIMEOUT,
      [](evutil_socket_t, short, void* loop) {
        static_cast<EventLoop*>(loop)->reactor_->timer_set_for = MonotonicTime::max();
      },
      this));
  if (!reactor_->interrupted || !reactor_->timer || event_add(reactor_->interrupted.get(), nullptr) != 0) {
    give_up("event_new");
  }
}

EventLoop::~EventLoop() {
  assert(!in_turn_);
  destroy_retired();
  std::vector<std::move_only_function<void()>> unrun;
  {
    const std::scoped_lock lock(posted_mutex_);
    unrun.swap(posted_);
  }
  unrun.clear();
  assert(timers_->empty() && progress_.first == nullptr && flush_.first == nullptr);
}

void EventLoop::run() {
  do {
    turn(Wait::kForEvents);
  } while (!reactor_->stop.exchange(false, std::memory_order_acquire));
}

void EventLoop::turn(Wait wait) {
  assert(!in_turn_);
  in_turn_ = true;
  reactor_->time_known = false;
  wait_for_events(wait == Wait::kForEvents && progress_.first == nullptr && flush_.first == nullptr);
  note_time();
  if (std::exchange(reactor_->posted_waiting, false)) run_posted();
  timers_->run_due(now_);
  run_wakers();
  destroy_retired();
  in_turn_ = false;
}

void EventLoop::stop() {
  reactor_->stop.store(true, std::memory_order_release);
  interrupt_wait();
}

void EventLoop::post(std::move_only_function<void()> task) {
  bool first = false;
  {
    const std::scoped_lock lock(posted_mutex_);
    first = posted_.empty();
    posted_.push_back(std::move(task));
  }
  if (first) interrupt_wait();
}

event_base* EventLoop::base() const {
  return reactor_->base.get();
}

void EventLoop::note_time() {
  if (std::exchange(reactor_->time_known, true)) return;
  now_ = clock_.monotonic();
}

void EventLoop::wait_for_events(bool may_block) {
  const MonotonicTime next = timers_->next();
  if (may_block && next != reactor_->timer_set_for) {
    if (next == MonotonicTime::max()) {
      event_del(reactor_->timer.get());
      reactor_->timer_set_for = next;
    } else if (const Duration wait = next - clock_.monotonic(); wait > Duration::zero()) {
      const timeval tv = timeval_of(wait);
      event_add(reactor_->timer.get(), &tv);
      reactor_->timer_set_for = next;
    } else {
      may_block = false;
    }
  }
  event_base_loop(reactor_->base.get(), EVLOOP_ONCE | (may_block ? 0 : EVLOOP_NONBLOCK));
}

void EventLoop::run_posted() {
  auto& running = reactor_->running;
  {
    const std::scoped_lock lock(posted_mutex_);
    running.swap(posted_);
  }
  for (auto& task : running) {
    task();
    task = nullptr;  // what it holds goes with it, not after its successors
  }
  running.clear();
}

void EventLoop::event_handled() {
  if (++reactor_->events_handled < kEventsBetweenProgress) return;
  reactor_->events_handled = 0;
  while (run_first(progress_)) {
  }
}

void EventLoop::run_wakers() {
  while (run_first(progress_) || run_first(flush_)) {
  }
}

bool EventLoop::run_first(WokenList& list) {
  Waker* waker = list.first;
  if (waker == nullptr) return false;
  waker->cancel();
  // Flushes stay in line: what one of them wakes may be there to look at the turn's outcome.
  if (&list == &progress_) list.resume = list.first;
  waker->run_();  // may destroy the waker
  list.resume = nullptr;
  return true;
}

void EventLoop::destroy_retired() {
  auto& destroying = reactor_->destroying;
  while (!retired_.empty()) {  // a destructor may retire more
    destroying.swap(retired_);
    for (auto& destroy : destroying) destroy();
    destroying.clear();
  }
}

void EventLoop::interrupt_wait() {
  const std::uint64_t one = 1;
  // Cannot fail but by a counter near 2^64.
  [[maybe_unused]] const ssize_t written = ::write(reactor_->interrupt.get(), &one, sizeof one);
}

}  // namespace gatehouse
