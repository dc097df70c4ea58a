// Puts the status together: samples the workers' counters each second, keeps the last faults and the outcome of the
// last reload, and tells it all as JSON, as a table and as events. Owned by the Server, outlives the workers and the
// admin pages; control thread, but for what fault_sink() returns.
//
//   workers' counters --each second--> Traffic, RecentTraffic -+
//   workers' FaultBuffer --posted--> FaultHistory -------------+--> StatusFacts --> status_json --> json(), table(),
//   Rollout, UpstreamDirectory, ServerStatus ------------------+                                    events()
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
  // All outlive it.
  struct Dependencies {
    const ServerStatus& status;
    const ControlMetrics& counts;
    const Metrics& metrics;
    UpstreamDirectory& upstreams;
  };
  // `loop` is the control thread's. Nothing is sampled before watch().
  StatusBoard(EventLoop& loop, const Dependencies& dependencies);

  // What workers hand their faults to. Any thread may call what it returns, which posts to the loop. REQUIRES: nobody
  // calls it once the board is gone.
  FaultBuffer::HandOver fault_sink();

  // A configuration is in force, or was refused. `file` is that of the one in force, and empty where options of the
  // command line made it; `diagnostics` are as they were printed, warnings too.
  void note_reload(std::string file, bool success, std::vector<std::string> diagnostics);
  // Begins to sample: now, and then each second. Called once, when the first configuration is in force. `rollout`
  // lives for as long as the loop runs.
  void watch(Rollout& rollout);

  // The status as it is now, for /status.json. REQUIRES: watch() was called.
  std::string json() const;
  // The same as text, without colours. REQUIRES: watch() was called.
  std::string table() const;
  // Who listens to the live status; the board sends them json() each second.
  StatusEvents& events() { return events_; }

 private:
  // Each second: samples the counters, forgets what endpoints were in trouble for and have overcome, lets the log tell
  // which ones fail and what it suppressed, and sends the event if anybody listens.
  void tick();
  // Adds an app's own last words where an app is to blame.
  void note_faults(std::vector<FaultRecord> records);
  StatusFacts facts() const;

  EventLoop& loop_;
  const Dependencies dependencies_;
  const MonotonicTime started_;
  // Null before watch().
  Rollout* rollout_ = nullptr;
  std::string file_;
  StatusFacts::Reload last_reload_;
  Traffic traffic_;
  RecentTraffic recent_;
  FaultHistory faults_;
  StatusEvents events_;
  Timer tick_;
};

}  // namespace gatehouse
