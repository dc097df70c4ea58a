// Counts what a client may do only so often: each act is legal, a flood of it is an attack (FAULTS F01-F26, for h2 and
// h3). A value of its connection. What to do when it says no is the codec's: GOAWAY or CONNECTION_CLOSE, "enhance your
// calm".
#pragma once

#include <cstdint>

#include "common/clock.h"
#include "proxy/frontend/token_bucket.h"

namespace gatehouse {

class AbuseGuard {
 public:
  enum class Act : std::uint8_t {
    kReset,        // the client cancelled a stream (CVE-2023-44487)
    kForcedReset,  // the client made us reset one (CVE-2025-8671)
    kControl,      // PING, SETTINGS
    kOther,        // PRIORITY, PRIORITY_UPDATE, frames of unknown type
  };
  static constexpr std::uint32_t kMostEmptyFrames = 100;  // empty DATA without an end, per stream

  explicit AbuseGuard(MonotonicTime now);

  void stream_opened() { ++opened_; }
  // Of kReset: that the stream had not been answered in full.
  void stream_cancelled() { ++cancelled_; }
  // False: too often by now.
  [[nodiscard]] bool allows(Act act, MonotonicTime now);

 private:
  TokenBucket resets_;
  TokenBucket forced_resets_;
  TokenBucket control_;
  TokenBucket other_;
  std::uint64_t opened_ = 0;
  std::uint64_t cancelled_ = 0;
};

}  // namespace gatehouse
