// How often something took how long, in the buckets that every duration of ours is measured in: 0.5 ms to 120 s. Made
// of plain counters: changed by the one thread that owns it (a worker, or the control thread), and read by the scrape
// meanwhile, so that the sum and the buckets may be a moment apart.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "common/clock.h"
#include "common/counter.h"

namespace gatehouse {

class DurationHistogram {
 public:
  // Upper bounds, inclusive, in microseconds; one more bucket takes what is longer.
  static constexpr std::array<std::int64_t, 17> kBounds = {
      500,     1'000,     2'500,     5'000,     10'000,     25'000,     50'000,     100'000,    250'000,
      500'000, 1'000'000, 2'500'000, 5'000'000, 10'000'000, 30'000'000, 60'000'000, 120'000'000};

  // Counts one duration. What is zero or less goes into the first bucket and adds nothing to the sum.
  void observe(Duration duration) {
    const auto microseconds = std::chrono::ceil<std::chrono::microseconds>(duration).count();
    const auto bucket = std::lower_bound(kBounds.begin(), kBounds.end(), microseconds) - kBounds.begin();
    counts_[static_cast<std::size_t>(bucket)].add();
    if (duration > Duration::zero()) nanoseconds_.add(static_cast<std::uint64_t>(duration.count()));
  }

  // Of this bucket alone, not of those below it as Prometheus shows them. REQUIRES: bucket <= kBounds.size().
  std::uint64_t count(std::size_t bucket) const { return counts_[bucket].value(); }
  // The sum of all durations.
  double seconds() const { return static_cast<double>(nanoseconds_.value()) / 1e9; }

 private:
  // How many durations fell into each bucket: above the bound before, up to its own.
  std::array<Counter, kBounds.size() + 1> counts_;
  Counter nanoseconds_;
};

}  // namespace gatehouse
