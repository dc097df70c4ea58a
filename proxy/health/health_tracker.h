// From results of checks, one after the other, to whether an endpoint counts as well: so many failures in a row make
// it unhealthy, so many passes in a row healthy again. Knows no time and no sockets. A value that HealthChecker keeps
// for each endpoint; one thread at a time.
//
//   kServe -> healthy --unhealthy_after failures in a row--> unhealthy --healthy_after passes in a row--> healthy ...
//   kWait -> waiting --one pass--> healthy
#pragma once

#include <cstdint>

#include "config/policy/balancing.h"

namespace gatehouse {

class HealthTracker {
 public:
  explicit HealthTracker(InitialHealth initial) : healthy_(initial == InitialHealth::kServe) {}

  // How many in a row; 0 counts as 1.
  struct Thresholds {
    std::uint32_t unhealthy_after = 2;
    std::uint32_t healthy_after = 1;
  };

  // Takes the next result. True if the health has changed with it. The thresholds may be others each time.
  bool note(bool passed, const Thresholds& thresholds);
  bool healthy() const { return healthy_; }
  // How many results of the last one's kind have come in a row.
  std::uint32_t in_row() const { return in_row_; }

 private:
  bool healthy_;
  // Whether the first check that passes is still awaited.
  bool waiting_ = !healthy_;
  bool last_passed_ = false;
  std::uint32_t in_row_ = 0;
};

}  // namespace gatehouse
