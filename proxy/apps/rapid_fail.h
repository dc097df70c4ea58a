// When to give an app up for a while: `count` bad ends (crashes, failed starts, instances that answer nothing any
// more) within a rolling `window` park it. The first time for as long as the window, each further time twice as long,
// at most 15 minutes; forgotten after an hour without. Pure; owned by an App.
#pragma once

#include <deque>

#include "common/clock.h"
#include "config/policy/apps.h"

namespace gatehouse {

class RapidFail {
 public:
  // The longest time for which an app is parked.
  static constexpr Duration kLongest = std::chrono::minutes(15);
  // If so long a time has passed since the end of the last parking, the next one is as short as the first.
  static constexpr Duration kForgotten = std::chrono::hours(1);

  // A count of 0 never parks.
  explicit RapidFail(RapidFailOptions limits) : limits_(limits) {}

  // Notes a bad end. Returns true if it parks the app; one that comes while it is parked does not count.
  bool failed(MonotonicTime now);
  bool parked(MonotonicTime now) const { return now < parked_until_; }
  // In the past: it is not parked.
  MonotonicTime parked_until() const { return parked_until_; }

 private:
  RapidFailOptions limits_;
  // Those within the window, at most limits_.count.
  std::deque<MonotonicTime> failures_;
  MonotonicTime parked_until_{};
  // The last time; 0: never yet.
  Duration parked_for_{0};
};

}  // namespace gatehouse
