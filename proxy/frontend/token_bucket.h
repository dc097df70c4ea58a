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
  struct Rate {
    std::uint32_t burst;
    std::uint32_t per_second;
  };

  TokenBucket(Rate rate, MonotonicTime now) : rate_(rate), tokens_(rate.burst), filled_at_(now) {}

  // Returns false if the rate is exceeded.
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
