// How many retries an upstream may still cost: a fifth of its requests, and three a second in any case, so that retries
// never multiply the load of endpoints that are in trouble. One per worker and upstream (so N workers allow 3 N a
// second), a value of UpstreamPools; credit is kept up to a bound, because failures come in bursts. One loop's thread.
#pragma once

#include <algorithm>
#include <chrono>

#include "common/clock.h"

namespace gatehouse {

class RetryBudget {
 public:
  // The credit that each request brings.
  static constexpr double kPerRequest = 0.2;
  // The credit that each second brings.
  static constexpr double kPerSecond = 3;
  // The most credit that is kept of what requests brought.
  static constexpr double kMostEarned = 500;
  // The most credit that is kept of what time brought; a new budget has all of it.
  static constexpr double kMostGiven = 10;

  // A request begins, for the first time: retries earn nothing.
  void on_request() { earned_ = std::min(earned_ + kPerRequest, kMostEarned); }

  // Whether there is something left for a retry, which is then to be spent.
  [[nodiscard]] bool allows(MonotonicTime now) {
    const std::chrono::duration<double> passed = now - since_;
    given_ = std::min(given_ + passed.count() * kPerSecond, kMostGiven);
    since_ = now;
    return given_ >= 1 || earned_ >= 1;
  }
  // A retry is made. What time gives is spent first: it comes back by itself. REQUIRES: allows() was true.
  void spend() { (given_ >= 1 ? given_ : earned_) -= 1; }

 private:
  double earned_ = 0;
  double given_ = kMostGiven;
  // The epoch, long ago, at first: the purse is full.
  MonotonicTime since_{};
};

}  // namespace gatehouse
