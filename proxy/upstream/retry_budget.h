// How many retries an upstream may still cost: a fifth of its requests, and three a second in any case, so that retries
// never multiply the load of endpoints that are in trouble. One per worker and upstream (so N workers allow 3 N a
// second); credit is kept up to a bound, because failures come in bursts. One loop's thread.
#pragma once

#include <algorithm>
#include <chrono>

#include "common/clock.h"

namespace gatehouse {

class RetryBudget {
 public:
  static constexpr double kPerRequest = 0.2;
  static constexpr double kPerSecond = 3;
  static constexpr double kMostEarned = 500;  // by requests
  static constexpr double kMostGiven = 10;    // by time

  void on_request() { earned_ = std::min(earned_ + kPerRequest, kMostEarned); }

  // Whether there is something left for a retry, which is then to be spent.
  [[nodiscard]] bool allows(MonotonicTime now) {
    const std::chrono::duration<double> passed = now - since_;
    given_ = std::min(given_ + passed.count() * kPerSecond, kMostGiven);
    since_ = now;
    return given_ >= 1 || earned_ >= 1;
  }
  void spend() { (given_ >= 1 ? given_ : earned_) -= 1; }

 private:
  double earned_ = 0;
  double given_ = kMostGiven;
  MonotonicTime since_{};  // long ago: the purse is full
};

}  // namespace gatehouse
