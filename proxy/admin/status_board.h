// Puts the status together: samples the workers' counters each second, keeps the last faults and the outcome of the
// last reload, and tells it all as JSON, as a table and as events. Owned by the Server, outlives the workers and the
// admin pages; control thread, but for what fault_sink() returns.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "common/timer.h"
#include "proxy/admin/status_events.h"
#include "proxy/admin/status_facts.h"
#include "proxy/discovery/upstream_directory.h"
#include "proxy/observe/fault_buffer.h"
#include "proxy/observe/metrics.h"
#include "proxy/runtime/rollout.h"

namespace gatehouse {

class StatusBoard {
 public:
  struct Dependencies {  // all outlive it
    const ServerStatus& status;
    const ControlMetrics& counts;
    const Metrics& metrics;
    UpstreamDirectory& upstreams;
  };
  StatusBoard(EventLoop& loop, const Dependencies& dependencies);

  // For workers: any thread may call it.
  FaultBuffer::HandOver fault_sink();

  // A configuration file is in force, or was refused. `diagnostics` are as they were printed, warnings too.
  void note_reload(std::string file, bool success, std::vector<std::string> diagnostics);
  // There is something to tell from now on. `rollout` outlives it.
  void watch(Rollout& rollout);

  std::string json() const;
  std::string table() const;  // without colours
  StatusEvents& events() { return events_; }

 private:
  void tick();
  void note_faults(std::vector<FaultRecord> records);
  StatusFacts facts() const;

  EventLoop& loop_;
  const Dependencies dependencies_;
  const MonotonicTime started_;
  Rollout* rollout_ = nullptr;
  std::string file_;
  StatusFacts::Reload last_reload_;
  Traffic traffic_;
  FaultHistory faults_;
  StatusEvents events_;
  Timer tick_;
};

}  // namespace gatehouse
