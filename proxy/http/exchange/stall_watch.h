// When a client has stalled: something waits for it, and for so long it has neither acknowledged nor asked for anything,
// or less of it than the minimum rate (invariant I10). The one policy of the exchange, the connections and the streams;
// what our buffers or the kernel's took says nothing here. Members of their owners; one loop's thread.
//
//   wait() --an eighth of the silence, or the grace--> how far has it come? --far enough--> wait on, from now
//                                                           +-- no further for all of the silence, or too slow --> stalled
//
// Whoever waits says how far the client has come, as a number of bytes that grows. It is asked for only after seconds
// without rest(), so that it may cost a system call.
#pragma once

#include <cstdint>
#include <functional>
#include <utility>

#include "common/clock.h"
#include "common/timer.h"
#include "proxy/http/exchange/pace.h"
#include "proxy/http/fault.h"
#include "proxy/http/limits.h"

namespace gatehouse {

class EventLoop;

// The decision, for owners with a timer of their own.
class ClientStall {
 public:
  // What came before that is not about what waits.
  void count_from(std::int64_t progress) { progress_ = progress; }
  // Something waits for the client from `now` on, unless something did before.
  void begin(MonotonicTime now);
  // Nothing waits any more.
  void end() { begun_ = false; }
  bool begun() const { return begun_; }
  // Returns how long the client need not be looked at, now that it has come so far; zero or less: it has stalled, or is
  // too slow, as fault() says. REQUIRES: begun()
  Duration left(MonotonicTime now, std::int64_t progress, const Patience& patience);
  // The same before anything is known.
  Duration first(const Patience& patience) const;
  // kClientStalled or kResponseTooSlow.
  Fault fault() const { return fault_; }

 private:
  // When the client last moved, as far as we know, or the wait began.
  MonotonicTime moved_{};
  // The most that it has come to.
  std::int64_t progress_ = 0;
  // When the pace was last looked at, or the wait began.
  MonotonicTime looked_{};
  Pace pace_;
  Fault fault_ = Fault::kClientStalled;
  bool begun_ = false;
};

class StallWatch {
 public:
  using Progress = std::move_only_function<std::int64_t()>;

  // `stalled` is called once for each wait, which is over by then. It may destroy the owner.
  StallWatch(EventLoop& loop, std::move_only_function<void()> stalled);
  // Who says how far the client has come, and from where that counts. Without one nothing counts as progress.
  void follow(Progress progress, std::int64_t from = 0) {
    progress_ = std::move(progress);
    stall_.count_from(from);
  }

  // Something waits for the client. Does nothing if something did before.
  void wait(const Patience& patience);
  // Nothing waits any more.
  void rest();
  bool waiting() const { return stall_.begun(); }
  // Why `stalled` was called.
  Fault fault() const { return stall_.fault(); }

 private:
  void look();

  EventLoop& loop_;
  Progress progress_;
  std::move_only_function<void()> stalled_;
  ClientStall stall_;
  Patience patience_;
  Timer timer_;
};

}  // namespace gatehouse
