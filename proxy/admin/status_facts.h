// What the status tells, gathered on the control thread for one answer: references to what lives there, and copies of
// what is put together for it. Lives for one call.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "common/clock.h"
#include "proxy/apps/app_view.h"
#include "proxy/discovery/endpoint_troubles.h"
#include "proxy/observe/control_metrics.h"
#include "proxy/observe/fault_history.h"
#include "proxy/observe/traffic.h"
#include "proxy/runtime/listener_sockets.h"
#include "proxy/runtime/snapshot.h"

namespace gatehouse {

struct StatusFacts {
  struct Process {
    WallTime now{};
    MonotonicTime monotonic_now{};
    Duration uptime{};
    std::size_t workers = 0;
    bool draining = false;
  };
  struct Reload {
    WallTime time{};
    bool success = true;
    std::vector<std::string> diagnostics;  // as printed; warnings too
  };
  struct Configuration {
    std::string file;  // empty: made by the command line
    WallTime in_force_since{};
    Reload last_reload;
  };

  Process process;
  Configuration configuration;
  const Snapshot& snapshot;
  const std::map<std::string, BoundListener>& bound;
  const ControlMetrics& counts;
  const EndpointTroubles& troubles;
  std::vector<AppView> apps;
  const Traffic& traffic;
  const Traffic::Workers& workers;
  const FaultHistory& faults;
};

// A listener's address with the port that it really has: "127.0.0.1:8443".
std::string address_text(const ListenerSnapshot& listener, const std::map<std::string, BoundListener>& bound);
// {"h1", "h2", "h3"}; HTTP/2 without TLS is "h2c".
std::vector<std::string> protocols_of(const ListenerSnapshot& listener);

}  // namespace gatehouse
