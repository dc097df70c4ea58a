// One worker's faults on their way to the control thread: kept in a bounded history and handed over a tenth of a second
// after the first, so that a storm of them costs the request path copies of short texts and nothing else. Owned by the
// worker, on its loop's thread.
#pragma once

#include <functional>
#include <vector>

#include "common/timer.h"
#include "proxy/observe/fault_history.h"

namespace gatehouse {

class FaultBuffer {
 public:
  // `hand_over` is called on the worker's thread, with the oldest first; it posts.
  using HandOver = std::function<void(std::vector<FaultRecord>)>;

  FaultBuffer(EventLoop& loop, HandOver hand_over);

  void note(const Exchange& exchange);  // REQUIRES: it has a fault

 private:
  EventLoop& loop_;
  HandOver hand_over_;
  FaultHistory history_;
  Timer due_;
};

}  // namespace gatehouse
