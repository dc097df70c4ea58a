// Counts what a client may do only so often: each act is legal, a flood of it is an attack. A value of its connection.
// What to do when it says no is the codec's: report_abuse(), then GOAWAY or CONNECTION_CLOSE, "enhance your calm".
#pragma once

#include <cstdint>

#include "common/clock.h"
#include "proxy/frontend/token_bucket.h"
#include "proxy/http/counters.h"

namespace gatehouse {

class AbuseGuard {
 public:
  static constexpr std::uint32_t kMostEmptyFrames = 100;  // empty DATA without an end, per stream

  explicit AbuseGuard(MonotonicTime now);

  void stream_opened() { ++opened_; }
  // Of kReset: that the stream had not been answered in full.
  void stream_cancelled() { ++cancelled_; }
  // Returns false if it has been done too often by now. Of what has no rate here a single one is too many, because its
  // user has counted or measured before it asks.
  [[nodiscard]] bool allows(Abuse act, MonotonicTime now);

 private:
  TokenBucket resets_;
  TokenBucket refusals_;
  TokenBucket control_;
  TokenBucket other_;
  std::uint64_t opened_ = 0;
  std::uint64_t cancelled_ = 0;
};

}  // namespace gatehouse
