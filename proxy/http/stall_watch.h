// When a client has stalled: something waits for it, and for so long it has neither acknowledged nor asked for anything
// (invariant I10). The one policy of the exchange, the connections and the streams; what our buffers or the kernel's
// took says nothing here. Members of their owners; one loop's thread.
//
//   wait() --an eighth of the patience--> how far has it come? --further--> wait on, from now
//                                              +-- no further, and the patience is over --> stalled
//
// Whoever waits says how far the client has come, as a number that grows. It is asked for only after an eighth of the
// patience without rest(), so that it may cost a system call.
#pragma once

#include <cstdint>
#include <functional>
#include <utility>

#include "common/clock.h"
#include "common/timer.h"

namespace gatehouse {

class EventLoop;

// The decision, for owners with a timer of their own.
class ClientStall {
 public:
  // Something waits for the client from `now` on, unless something did before.
  void begin(MonotonicTime now);
  // Nothing waits any more.
  void end() { begun_ = false; }
  bool begun() const { return begun_; }
  // Returns what is left of the patience now that the client has come so far; zero or less: it has stalled.
  // REQUIRES: begun()
  Duration left(MonotonicTime now, std::int64_t progress, Duration patience);

 private:
  // When the client last moved, as far as we know, or the wait began.
  MonotonicTime moved_{};
  // The most that it has come to.
  std::int64_t progress_ = 0;
  bool begun_ = false;
};

class StallWatch {
 public:
  using Progress = std::move_only_function<std::int64_t()>;

  // `stalled` is called once for each wait, which is over by then. It may destroy the owner.
  StallWatch(EventLoop& loop, std::move_only_function<void()> stalled);
  // Who says how far the client has come. Without one nothing counts as progress.
  void follow(Progress progress) { progress_ = std::move(progress); }

  // Something waits for the client. Does nothing if something did before.
  void wait(Duration patience);
  // Nothing waits any more.
  void rest();
  bool waiting() const { return stall_.begun(); }

 private:
  void look();

  EventLoop& loop_;
  Progress progress_;
  std::move_only_function<void()> stalled_;
  ClientStall stall_;
  Duration patience_{};
  Timer timer_;
};

}  // namespace gatehouse
