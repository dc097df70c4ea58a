#include "proxy/apps/rapid_fail.h"

#include <algorithm>

namespace gatehouse {

bool RapidFail::failed(MonotonicTime now) {
  if (limits_.count == 0 || parked(now)) return false;
  while (!failures_.empty() && now - failures_.front() >= limits_.window) failures_.pop_front();
  failures_.push_back(now);
  if (failures_.size() < limits_.count) return false;
  if (now - parked_until_ >= kForgotten) parked_for_ = {};
  const Duration first = std::min<Duration>(limits_.window, kLongest);
  parked_for_ = std::clamp<Duration>(2 * parked_for_, first, kLongest);
  parked_until_ = now + parked_for_;
  failures_.clear();
  return true;
}

}  // namespace gatehouse
