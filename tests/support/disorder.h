// For tests of what timers may do to each other: a scene is played again and again, each time with all that falls due
// in one turn of the loop in another order (TimerDisorder). A failure names the seed, and so does the death of the
// process; GATEHOUSE_SEED=n plays that one alone. The test's thread.
#pragma once

#include <chrono>
#include <functional>
#include <random>

#include "common/clock.h"
#include "common/event_loop.h"

namespace gatehouse::testing_support {

using Random = std::mt19937_64;

// Later than anything that the proxy waits for: whatever is armed is due. (A day is what "never" means to a probe.)
inline constexpr Duration kBeyondAllDeadlines = std::chrono::hours(25);

// Calls `scene` with the seeds 1 to `runs`, or until one has failed.
void in_many_orders(int runs, const std::function<void(Random&)>& scene);

// 0 to `most`.
inline std::size_t up_to(Random& random, std::size_t most) {
  return static_cast<std::size_t>(random() % (most + 1));
}
template <class List>
auto& one_of(Random& random, List& list) {
  return *(std::begin(list) + static_cast<std::ptrdiff_t>(up_to(random, std::size(list) - 1)));
}

// The process stands still for longer than any deadline, after some turns or none: in the next one everything is due.
inline void stall(EventLoop& loop, ManualClock& clock, Random& random) {
  for (std::size_t turns = up_to(random, 3); turns > 0; --turns) loop.turn(EventLoop::Wait::kNever);
  clock.advance(kBeyondAllDeadlines);
  for (std::size_t turns = 1 + up_to(random, 3); turns > 0; --turns) loop.turn(EventLoop::Wait::kNever);
}

}  // namespace gatehouse::testing_support
