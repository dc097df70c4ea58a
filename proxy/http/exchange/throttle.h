// The bytes a second that one route may move in one direction, whoever moves them: all its streams, over all protocols,
// of all workers. Whoever has bytes takes the next place in time for some of them, so that everybody is served in the
// order of asking, and the total is the rate however many there are. Part of a route, shared by snapshots for as long as
// the rate stays the same; any thread.
//
//   reserve(A) reserve(B) reserve(A)                 now
//   |----A----|----B----|----A----|---> time          A may pass at the beginning of its place
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "common/clock.h"

namespace gatehouse {

class Throttle {
 public:
  // What may pass before its time: a loop's timers are no finer than that.
  static constexpr std::chrono::milliseconds kAhead{10};
  // For so long a rate that nobody used is not lost: a loop may come late.
  static constexpr std::chrono::milliseconds kBehind{100};

  // REQUIRES: bytes_per_second > 0
  explicit Throttle(std::uint64_t bytes_per_second);

  std::uint64_t rate() const { return rate_; }
  // As many as are worth a place of their own.
  std::size_t quantum() const;
  // Takes the next place for so many bytes and returns when it begins; in the past if nobody was before them.
  MonotonicTime reserve(std::size_t bytes, MonotonicTime now);
  // Returns when a place that begins at `begins` begins now that others have been given back: then or earlier.
  MonotonicTime moved_up(std::size_t bytes, MonotonicTime begins) const;
  // They will not pass after all. REQUIRES: they were reserved, and have not passed
  void give_back(std::size_t bytes);

 private:
  std::int64_t cost_of(std::size_t bytes) const;

  const std::uint64_t rate_;
  // When all that is reserved will have passed, in nanoseconds of the monotonic clock.
  std::atomic<std::int64_t> free_at_ = std::numeric_limits<std::int64_t>::min();
};

// Of one route: what clients send, and what they are sent.
struct RouteThrottle {
  explicit RouteThrottle(std::uint64_t bytes_per_second) : requests(bytes_per_second), responses(bytes_per_second) {}
  Throttle requests;
  Throttle responses;
};

}  // namespace gatehouse
