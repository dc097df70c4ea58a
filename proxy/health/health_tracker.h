// From results of checks, one after the other, to whether an endpoint counts as well: so many failures in a row make it
// unhealthy, so many passes in a row healthy again. Knows no time and no sockets. A value; one thread at a time.
#pragma once

#include <cstdint>

namespace gatehouse {

class HealthTracker {
 public:
  enum class Initial : std::uint8_t {
    kServe,  // healthy until checks say otherwise
    kWait,   // not healthy until the first check has passed
  };

  explicit HealthTracker(Initial initial) : healthy_(initial == Initial::kServe) {}

  struct Thresholds {  // 0 counts as 1
    std::uint32_t unhealthy_after = 2;
    std::uint32_t healthy_after = 1;
  };

  // True if the health has changed with it.
  bool note(bool passed, const Thresholds& thresholds);
  bool healthy() const { return healthy_; }
  std::uint32_t in_row() const { return in_row_; }  // results of the last one's kind

 private:
  bool healthy_;
  bool waiting_ = !healthy_;  // for the first check that passes
  bool last_passed_ = false;
  std::uint32_t in_row_ = 0;
};

}  // namespace gatehouse
