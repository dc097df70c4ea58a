// When to give an app up for a while: `count` crashes and failed starts within a rolling `window` park it. The first
// time for as long as the window, each further time twice as long, at most 15 minutes; forgotten after an hour without.
// Pure; owned by an App.
#pragma once

#include <deque>

#include "common/clock.h"
#include "proxy/apps/app_spec.h"

namespace gatehouse {

class RapidFail {
 public:
  static constexpr Duration kLongest = std::chrono::minutes(15);
  static constexpr Duration kForgotten = std::chrono::hours(1);

  explicit RapidFail(AppSpec::RapidFail limits) : limits_(limits) {}

  bool failed(MonotonicTime now);  // whether that parks it
  bool parked(MonotonicTime now) const { return now < parked_until_; }
  MonotonicTime parked_until() const { return parked_until_; }

 private:
  AppSpec::RapidFail limits_;
  std::deque<MonotonicTime> failures_;  // within the window; at most limits_.count
  MonotonicTime parked_until_{};
  Duration parked_for_{0};
};

}  // namespace gatehouse
