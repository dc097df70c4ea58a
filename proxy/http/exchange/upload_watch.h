// Whether a client sends its body fast enough: something of it within each `silence`, and `min_rate` on the average
// once it has begun. Time counts only while the client is what is waited for: not while there is no room for more, and
// for the rate not while the endpoint still has something to take. Member of an exchange, one loop's thread.
#pragma once

#include <cstdint>
#include <functional>

#include "common/clock.h"
#include "common/timer.h"
#include "proxy/http/exchange/pace.h"
#include "proxy/http/fault.h"

namespace gatehouse {

class EventLoop;

class UploadWatch {
 public:
  struct Upload {
    // Bytes that have come so far.
    std::uint64_t total = 0;
    // All of them have been taken.
    bool starved = false;
    Duration silence{};
    // In bytes a second; 0: any.
    std::uint32_t min_rate = 0;
  };

  // `failed` is called with kRequestBodyTimeout or kRequestTooSlow, once for each wait, which is over by then. It may
  // destroy the owner.
  UploadWatch(EventLoop& loop, std::move_only_function<void(Fault)> failed);

  // The client is waited for, as it is or as it still is.
  void wait(const Upload& upload);
  // It is not.
  void rest(const Upload& upload);
  // Nothing is to be told: it was not waited for, and no more than `total` has come.
  bool rests(std::uint64_t total) const { return !waiting_ && total == total_; }

 private:
  // Notes what has come; returns what that and the time leave.
  Duration note(const Upload& upload);
  void expire();

  EventLoop& loop_;
  std::move_only_function<void(Fault)> failed_;
  Timer timer_;
  Pace pace_;
  std::uint64_t total_ = 0;
  // The wait began, or the last byte came.
  MonotonicTime silent_since_{};
  // When the pace was last looked at.
  MonotonicTime paced_at_{};
  bool waiting_ = false;
  bool pacing_ = false;
  bool too_slow_ = false;
};

}  // namespace gatehouse
