// Times of the day on the clocks of a zone, which are put forward and back: when the next one is, and whether one has
// come. What an app's `recycle.at` is by. next_time() is pure; a DailyTimes is a member of an App, control thread.
//
//   the clocks of a day      02:00 is                               02:30 is
//   are put forward          at once followed by 03:00              03:00, the first moment beyond it
//   are put back             there twice, an hour apart             the first of the two
#pragma once

#include <chrono>
#include <optional>
#include <span>
#include <vector>

#include "common/clock.h"

namespace gatehouse {

// What clocks show at a moment.
using Clocks = std::chrono::local_seconds (*)(std::chrono::sys_seconds);
// Those of the process: of the zone of TZ or /etc/localtime, as it was when this was first asked.
std::chrono::local_seconds local_clocks(std::chrono::sys_seconds time);

// The first moment behind `after` that one of `times`, minutes since midnight, stands for. Nothing if there are none.
// REQUIRES: clocks are not put forward or back twice within two days.
std::optional<std::chrono::sys_seconds> next_time(std::span<const std::chrono::minutes> times,
                                                  std::chrono::sys_seconds after, Clocks clocks = local_clocks);

class DailyTimes {
 public:
  // A time that is missed by more is let go: the machine slept, or its clock was wrong.
  static constexpr std::chrono::minutes kGrace{5};

  explicit DailyTimes(Clocks clocks = local_clocks) : clocks_(clocks) {}

  // To be called once a second. Whether one of `times` has come since the call before: never at the first call, nor
  // where `times` are not those of the call before. A machine clock that is put back by less than a day brings none
  // again.
  bool come(const std::vector<std::chrono::minutes>& times, WallTime now);
  // When the next one is, as come() knows it.
  std::optional<std::chrono::sys_seconds> next() const { return next_; }

 private:
  void look_from(std::chrono::sys_seconds now);

  Clocks clocks_;
  std::vector<std::chrono::minutes> times_;
  // Up to when all that came has been told.
  std::chrono::sys_seconds seen_{};
  std::optional<std::chrono::sys_seconds> next_;
};

}  // namespace gatehouse
