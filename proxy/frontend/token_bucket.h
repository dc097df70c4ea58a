// A rate limit: a burst, refilled over time. Plain arithmetic on the loop's time, no timer; a value of its owner, on
// the owner's thread.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "common/clock.h"

namespace gatehouse {

class TokenBucket {
 public:
  // `burst` tokens at most, refilled by `per_second`. With 0 a second it is a count that never comes back.
  struct Rate {
    std::uint32_t burst;
    std::uint32_t per_second;
  };

  // Starts full.
  TokenBucket(Rate rate, MonotonicTime now) : rate_(rate), tokens_(rate.burst), filled_at_(now) {}

  // Takes a token and returns true, or returns false if there is none: the rate is exceeded. `now` never goes back.
  bool take(MonotonicTime now) {
    const std::chrono::duration<double> passed = now - filled_at_;
    tokens_ = std::min(tokens_ + passed.count() * rate_.per_second, static_cast<double>(rate_.burst));
    filled_at_ = now;
    if (tokens_ < 1) return false;
    tokens_ -= 1;
    return true;
  }

 private:
  Rate rate_;
  double tokens_;
  MonotonicTime filled_at_;
};

}  // namespace gatehouse
