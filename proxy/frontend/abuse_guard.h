// Counts what a client may do only so often: each act is legal, a flood of it is an attack. A member of an
// H2Connection or an H3Session, on its thread. The codec decides what follows a refusal: it calls report_abuse() and
// ends the connection, with GOAWAY and ENHANCE_YOUR_CALM (RFC 9113 section 7) or with H3_EXCESSIVE_LOAD
// (RFC 9114 section 8.1).
//
// A cancellation is quick if it comes before the head of the answer and within 100 ms of the stream's beginning: the
// client wants us to work for nothing (Rapid Reset, CVE-2023-44487). A page that cancels what it does not need any more
// (a dragged map, a search box) may do so with all that it asks for: it does not ask for hundreds of things a second.
//
//   kReset                         a burst of 200, then 20 a second; and quick ones of at most half of the streams of
//                                  the last second, once these are 200
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
  void stream_opened(MonotonicTime now);
  // The client has cancelled a stream that it had opened at `opened`, before the head of its answer was there. Call it
  // before allows(kReset).
  void stream_cancelled(MonotonicTime opened, MonotonicTime now);
  // Counts `act` and returns false if there have been too many by now. `now` never goes back.
  [[nodiscard]] bool allows(Abuse act, MonotonicTime now);

 private:
  // Of the streams that were opened in a part of the recent time.
  struct Count {
    std::uint32_t opened = 0;
    std::uint32_t cancelled_quickly = 0;
  };

  // Begins a new part of the recent time where the last one is over.
  void go_on(MonotonicTime now);
  // Whether most of the streams of the recent time were cancelled quickly, and these are many.
  bool mostly_cancelled() const;

  TokenBucket resets_;
  TokenBucket refusals_;
  TokenBucket control_;
  TokenBucket other_;
  // The recent time is this part of it and the one before: between half a second and a whole one.
  Count current_;
  Count before_;
  MonotonicTime current_since_;
};

}  // namespace gatehouse
