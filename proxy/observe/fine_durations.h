// How often something took how long, finely enough to tell percentiles of it: sixteen buckets for each doubling, so that
// none is wider than a sixteenth of what it holds, from a microsecond to two minutes. DurationHistogram is for
// Prometheus, which has to be sent every bucket. Made of plain counters: changed by the one thread that owns it, and
// read by the control thread meanwhile.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "common/clock.h"
#include "common/counter.h"

namespace gatehouse {

class FineDurations {
 public:
  // In microseconds, with e from 0 to 22 and m from 16 to 31, bucket e * 16 + m holds what is from m * 2^e on, up to
  // what the next one holds; those below 16 hold their own number. The last holds all that is longer as well.
  static constexpr std::size_t kBuckets = 384;
  using Counts = std::array<std::uint64_t, kBuckets>;

  // Counts one duration. What is negative counts as zero.
  void observe(Duration duration) { counts_[bucket_of(duration)].add(); }
  void add_to(Counts& sum) const {
    for (std::size_t i = 0; i < kBuckets; ++i) sum[i] += counts_[i].value();
  }

  static constexpr std::size_t bucket_of(Duration duration) {
    const auto signed_time = std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
    const auto time = static_cast<std::uint64_t>(std::max<std::int64_t>(signed_time, 0));
    const auto shift = static_cast<std::size_t>(std::max(std::bit_width(time) - kStepBits - 1, 0));
    return std::min<std::size_t>(shift * kSteps + (time >> shift), kBuckets - 1);
  }
  // The least that is in the bucket, in microseconds; of kBuckets, where the last one ends.
  static constexpr std::uint64_t lower_bound(std::size_t bucket) {
    if (bucket < 2 * kSteps) return bucket;
    return (bucket % kSteps + kSteps) << (bucket / kSteps - 1);
  }

 private:
  static constexpr int kStepBits = 4;
  static constexpr std::size_t kSteps = 1U << kStepBits;

  std::array<Counter, kBuckets> counts_;
};

}  // namespace gatehouse
