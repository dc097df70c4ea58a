// How long to wait before a process that ended badly is started again: 100 ms, doubling to 30 s. It starts over once a
// process has been ready for half a second: then what a start costs has been worth it, and requests shall not wait for
// longer than they must; to give up an app that serves but keeps crashing is RapidFail's. Pure; owned by an App.
#pragma once

#include "common/clock.h"

namespace gatehouse {

class Backoff {
 public:
  static constexpr Duration kFirst = std::chrono::milliseconds(100);
  static constexpr Duration kLongest = std::chrono::seconds(30);
  // Whoever was ready for so long has had a good start.
  static constexpr Duration kHealthy = std::chrono::milliseconds(500);

  // A process failed to start (`ready_for` is 0) or ended by itself after it had been ready for so long. retry_at()
  // moves later or stays where it is.
  void failed(MonotonicTime now, Duration ready_for);
  // Forgets all: the next start is at once.
  void reset() { *this = {}; }
  // Not to be started again before this time; in the past: at once.
  MonotonicTime retry_at() const { return retry_at_; }

 private:
  // The last one; 0 before the first failure.
  Duration delay_{0};
  MonotonicTime retry_at_{};
};

}  // namespace gatehouse
