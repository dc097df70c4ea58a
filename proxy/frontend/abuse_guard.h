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
//   kOther                         two for a stream, as honest clients send with their requests, of which 1000 are saved;
//                                  and a burst of 1000, then 100 a second
//   kWindow                        two for a stream and for each DATA frame sent, one for each KiB; and as kOther
//   kClosedStream                  one for each KiB that may have been on its way to a stream; and as kOther
//   all others                     never: whoever asks has counted or measured before
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "common/clock.h"
#include "proxy/frontend/token_bucket.h"
#include "proxy/http/counters.h"

namespace gatehouse {

class AbuseGuard {
 public:
  // How many empty DATA frames that do not end the message one stream may carry. H2Stream and H3Stream count them.
  static constexpr std::uint32_t kMostEmptyFrames = 100;

  // All rates start with their full burst.
  explicit AbuseGuard(MonotonicTime now);

  // The client has opened a request stream. Call it once for each: kReset is judged by their number too.
  void stream_opened(MonotonicTime now);
  // The client has cancelled a stream that it had opened at `opened`, before the head of its answer was there. Call it
  // before allows(kReset).
  void stream_cancelled(MonotonicTime opened, MonotonicTime now);
  // The client was sent a DATA frame of so many bytes, and may open windows for it.
  void data_sent(std::size_t bytes) { windows_earned_ = add(windows_earned_, kFrameIsWorth + bytes / kWorthOne); }
  // We have closed a stream before the client has ended it: it may have sent as much as its window let it.
  void stream_closed(std::size_t window) { strays_earned_ = add(strays_earned_, 1 + window / kWorthOne); }
  // Counts `act` and returns false if there have been too many by now. `now` never goes back.
  [[nodiscard]] bool allows(Abuse act, MonotonicTime now);

 private:
  // Of the streams that were opened in a part of the recent time.
  struct Count {
    std::uint32_t opened = 0;
    std::uint32_t cancelled_quickly = 0;
  };

  static constexpr std::size_t kFrameIsWorth = 2;  // the stream's window, and the connection's
  static constexpr std::size_t kWorthOne = 1024;
  static constexpr std::size_t kMostEarned = 100'000;
  static constexpr std::size_t kOthersForAStream = 2;
  static constexpr std::size_t kMostOthersEarned = 1000;

  static std::size_t add(std::size_t earned, std::size_t more) { return std::min(earned + more, kMostEarned); }
  // Takes one of what was earned, or else of the bucket.
  static bool take(std::size_t& earned, TokenBucket& bucket, MonotonicTime now);
  // Begins a new part of the recent time where the last one is over.
  void go_on(MonotonicTime now);
  // Whether most of the streams of the recent time were cancelled quickly, and these are many.
  bool mostly_cancelled() const;

  TokenBucket resets_;
  TokenBucket refusals_;
  TokenBucket control_;
  TokenBucket other_;
  TokenBucket windows_;
  TokenBucket strays_;
  // Beyond the bucket of that name.
  std::size_t windows_earned_ = 0;
  std::size_t strays_earned_ = 0;
  std::size_t other_earned_ = 0;
  // The recent time is this part of it and the one before: between half a second and a whole one.
  Count current_;
  Count before_;
  MonotonicTime current_since_;
};

}  // namespace gatehouse
