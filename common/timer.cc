#include "common/timer.h"

#include <algorithm>
#include <utility>

#include "common/event_loop.h"
#include "common/timer_heap.h"

namespace gatehouse {

namespace {

// Longer than any timeout that means something, short enough to be added to any time.
constexpr Duration kLongest = std::chrono::hours(24 * 365 * 30);

}  // namespace

Timer::Timer(EventLoop& loop, std::move_only_function<void()> expired) : loop_(loop), expired_(std::move(expired)) {}

Timer::~Timer() {
  loop_.timers_->remove(*this);
}

void Timer::arm(Duration after) {
  arm_at(loop_.now() + std::clamp(after, Duration::zero(), kLongest));
}

void Timer::arm_at(MonotonicTime at) {
  deadline_ = at;
  if (armed()) loop_.timers_->enqueue(*this, loop_.now());
}

}  // namespace gatehouse
