#include "proxy/health/health_tracker.h"

#include <algorithm>
#include <limits>

namespace gatehouse {

bool HealthTracker::note(bool passed, const Thresholds& thresholds) {
  if (passed != last_passed_) in_row_ = 0;
  last_passed_ = passed;
  if (in_row_ < std::numeric_limits<std::uint32_t>::max()) ++in_row_;
  if (passed == healthy_) return false;
  // Who has only just come has not been ill: one pass is what was waited for.
  const std::uint32_t needed = passed ? (waiting_ ? 1 : thresholds.healthy_after) : thresholds.unhealthy_after;
  if (in_row_ < std::max(needed, 1U)) return false;
  healthy_ = passed;
  waiting_ = false;
  return true;
}

}  // namespace gatehouse
