// What the status tells, gathered on the control thread for one answer: references to what lives there, and copies of
// what is put together for it. Made by the StatusBoard; lives for one call, in which nothing that it refers to
// changes but the workers' counters.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "common/clock.h"
#include "proxy/apps/app_view.h"
#include "proxy/discovery/endpoint_troubles.h"
#include "proxy/discovery/registrations.h"
#include "proxy/observe/control_metrics.h"
#include "proxy/observe/fault_history.h"
#include "proxy/observe/recent_traffic.h"
#include "proxy/observe/traffic.h"
#include "proxy/runtime/listener_sockets.h"
#include "proxy/runtime/snapshot.h"

namespace gatehouse {

struct StatusFacts {
  struct Process {
    // The same moment on both clocks: what is shown is wall time, what lasts is told by the other.
    WallTime now{};
    MonotonicTime monotonic_now{};
    Duration uptime{};
    // How many worker threads there are.
    std::size_t workers = 0;
    // The process finishes what runs and takes no more.
    bool draining = false;
  };
  struct Reload {
    WallTime time{};
    bool success = true;
    // As they were printed; warnings too.
    std::vector<std::string> diagnostics;
  };
  struct Configuration {
    // Empty where options of the command line made the configuration.
    std::string file;
    WallTime in_force_since{};
    // The start counts as one. Where it failed, the configuration of before is in force.
    Reload last_reload;
  };

  Process process;
  Configuration configuration;
  // The configuration in force.
  const Snapshot& snapshot;
  // What its listeners have really got, by listener name.
  const std::map<std::string, BoundListener>& bound;
  const ControlMetrics& counts;
  const EndpointTroubles& troubles;
  // Empty where the configuration has none.
  std::vector<AppView> apps;
  const Traffic& traffic;
  const RecentTraffic& recent;
  const Traffic::Workers& workers;
  const FaultHistory& faults;
  // Empty where nothing is registered.
  std::vector<RegistrationView> registrations = {};
};

// A listener's address with the port that it really has: "127.0.0.1:8443", ":8443" for all addresses; a Unix socket's
// name as it is configured.
std::string address_text(const ListenerSnapshot& listener, const std::map<std::string, BoundListener>& bound);
// {"h1", "h2", "h3"}; HTTP/2 without TLS is "h2c".
std::vector<std::string> protocols_of(const ListenerSnapshot& listener);

}  // namespace gatehouse
