// One worker's faults on their way to the control thread: kept in a bounded history and handed over a tenth of a
// second after the first, so that a storm of them costs the request path copies of short texts and nothing else.
// Owned by the worker, on its loop's thread.
//
//   WorkerObserver --note--> FaultBuffer --100 ms, posted--> StatusBoard (control thread)
#pragma once

#include <functional>
#include <vector>

#include "common/timer.h"
#include "proxy/observe/fault_history.h"

namespace gatehouse {

class FaultBuffer {
 public:
  // Called on the worker's thread, ten times a second at most, with the oldest first and never with nothing. It posts
  // to the control thread and does not call back.
  using HandOver = std::function<void(std::vector<FaultRecord>)>;

  // `loop` is the worker's. What waits when the buffer is destroyed is lost.
  FaultBuffer(EventLoop& loop, HandOver hand_over);

  // Copies what FaultRecord holds of an exchange that has just ended. REQUIRES: the exchange has a fault.
  void note(const Exchange& exchange);

 private:
  EventLoop& loop_;
  HandOver hand_over_;
  FaultHistory history_;
  // Armed by the first fault after a hand-over.
  Timer due_;
};

}  // namespace gatehouse
