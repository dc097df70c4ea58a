// Where time comes from, so that a test can hold it. Timers run on monotonic time only; wall time is for Date, logs and
// certificates. Whoever is given a Clock does not own it. The system clock serves any thread; a ManualClock belongs to
// the test that drives it, on one thread.
#pragma once

#include <chrono>

namespace gatehouse {

using Duration = std::chrono::nanoseconds;
using MonotonicTime = std::chrono::steady_clock::time_point;
using WallTime = std::chrono::system_clock::time_point;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual MonotonicTime monotonic() const = 0;
  virtual WallTime wall() const = 0;

  // The clock of the machine, which lives as long as the process.
  static const Clock& system();
};

// Stands still until told otherwise. It begins an hour after the monotonic zero and 50 years after 1970, so that times
// in the past can be expressed.
class ManualClock final : public Clock {
 public:
  MonotonicTime monotonic() const override { return monotonic_; }
  WallTime wall() const override { return wall_; }
  // Moves both times on; nothing runs because of it before the loop's next turn.
  void advance(Duration by) {
    monotonic_ += by;
    wall_ += std::chrono::duration_cast<WallTime::duration>(by);
  }

 private:
  MonotonicTime monotonic_{std::chrono::hours(1)};
  WallTime wall_{std::chrono::hours(24 * 365 * 50)};
};

}  // namespace gatehouse
