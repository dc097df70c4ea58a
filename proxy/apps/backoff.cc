#include "proxy/apps/backoff.h"

#include <algorithm>

namespace gatehouse {

void Backoff::failed(MonotonicTime now, Duration ready_for) {
  delay_ = ready_for >= kHealthy ? kFirst : std::clamp(2 * delay_, kFirst, kLongest);
  retry_at_ = std::max(retry_at_, now + delay_);
}

}  // namespace gatehouse
