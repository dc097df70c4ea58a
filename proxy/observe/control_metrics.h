// What the control thread counts and knows of endpoints and apps, in the form in which the scrape shows it: counts
// since the start, and states as they are at the moment of the scrape. Owned by the Server; its thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "proxy/observe/duration_histogram.h"

namespace gatehouse {

struct ControlMetrics {
  struct EndpointHealth {
    std::string upstream;
    std::string endpoint;
    bool healthy = true;  // as far as checks and the outcome of requests tell
  };
  struct Instances {
    std::string app;
    std::string state;
    std::uint64_t count = 0;
  };
  struct Memory {
    std::string app;
    std::string instance;
    std::uint64_t bytes = 0;
  };
  struct App {
    std::string app;
    bool parked = false;
    bool recycle_failed = false;
  };
  using Labels = std::vector<std::string>;

  // Counts.
  std::map<Labels, std::uint64_t> health_checks;             // upstream, endpoint, result
  std::map<Labels, std::uint64_t> ejections;                 // upstream, endpoint
  std::map<Labels, std::uint64_t> app_starts;                // app, reason: "ok" or why not
  std::map<Labels, std::uint64_t> app_exits;                 // app, reason
  std::map<std::string, DurationHistogram> app_start_times;  // app

  // States.
  std::vector<EndpointHealth> endpoints;
  std::vector<Instances> instances;
  std::vector<Memory> memory;
  std::vector<App> apps;
};

class MetricsPage;
void append_control_metrics(MetricsPage& page, const ControlMetrics& metrics);

}  // namespace gatehouse
