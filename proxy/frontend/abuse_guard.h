// Counts what a client may do only so often: each act is legal, a flood of it is an attack. A member of an
// H2Connection or an H3Session, on its thread. The codec decides what follows a refusal: it calls report_abuse() and
// ends the connection, with GOAWAY and ENHANCE_YOUR_CALM (RFC 9113 section 7) or with H3_EXCESSIVE_LOAD
// (RFC 9114 section 8.1).
//
//   kReset                         a burst of 200, then 20 a second; and at most half of the streams once there are 100
//   kForcedReset, kOversizedHead   a burst of 100, then 10 a second, for both together
//   kControl                       a burst of 100, then 10 a second
//   kOther                         a burst of 1000, then 100 a second
//   all others                     never: whoever asks has counted or measured before
#pragma once

#include <cstdint>

#include "common/clock.h"
#include "proxy/frontend/token_bucket.h"
#include "proxy/http/counters.h"

namespace gatehouse {

class AbuseGuard {
 public:
  // How many empty DATA frames that do not end the message one stream may carry. H2Stream counts them.
  static constexpr std::uint32_t kMostEmptyFrames = 100;

  // All rates start with their full burst.
  explicit AbuseGuard(MonotonicTime now);

  // The client has opened a request stream. Call it once for each: kReset is judged by their number too.
  void stream_opened() { ++opened_; }
  // The client has cancelled a stream that had not been answered in full. Call it before allows(kReset).
  void stream_cancelled() { ++cancelled_; }
  // Counts `act` and returns false if there have been too many by now. `now` never goes back.
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
