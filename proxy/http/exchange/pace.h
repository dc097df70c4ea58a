// Whether somebody keeps to a minimum rate, on the average: each byte that comes earns a little time, and the time that
// is waited for more of them is spent. Nobody is too slow for the first five seconds, nor after a burst that was worth
// the pause behind it; what can be saved up has a bound. Values of their owners, one thread.
//
//   240 bytes/s:  5 s -- 2 s pass --> 3 s -- 480 bytes --> 5 s -- 10 kB --> 35 s, the most -- 35 s of nothing --> too slow
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "common/clock.h"

namespace gatehouse {

class Pace {
 public:
  static constexpr std::chrono::seconds kGrace{5};

  // So many bytes have come, and for `waited` nothing else was waited for. Returns how long the next may take, at most
  // `most` beyond the grace; zero or less: too slow. `rate` is in bytes a second. REQUIRES: rate > 0
  Duration left(Duration waited, std::uint64_t bytes, std::uint32_t rate, Duration most) {
    const double earned = static_cast<double>(bytes) / rate;
    const double bound = std::chrono::duration<double>(most + kGrace).count();
    const auto gained = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(std::min(earned, bound)));
    left_ = std::min<Duration>(left_ + gained - waited, most + kGrace);
    return left_;
  }
  // As the last call said.
  Duration left() const { return left_; }

 private:
  Duration left_ = kGrace;
};

}  // namespace gatehouse
