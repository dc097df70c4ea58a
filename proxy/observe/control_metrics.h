// What the control thread counts and knows of endpoints and apps, in the form in which the scrape shows it: counts
// since the start, and states as they are at the moment of the scrape. Filled in by UpstreamDirectory; owned by the
// Server, and by a dry run of `explain` for itself. One thread: the control thread.
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
    // Balancers may choose it: no obstacle stands against it.
    bool healthy = true;
  };
  // How many processes of an app are in one state ("starting", "ready", "draining", "stopping"); zeros are shown too.
  struct Instances {
    std::string app;
    std::string state;
    std::uint64_t count = 0;
  };
  // Resident memory of one instance and its children.
  struct Memory {
    std::string app;
    // The number of its slot, which its successor has as well.
    std::string instance;
    std::uint64_t bytes = 0;
  };
  struct App {
    std::string app;
    // It failed so often that it is not started for a while.
    bool parked = false;
    // Its newest generation did not get ready, and the former serves on.
    bool recycle_failed = false;
  };
  // The values of a family's labels, in the order that is written above each map.
  using Labels = std::vector<std::string>;

  // Counts since the start, which UpstreamDirectory adds to as things happen.
  // Upstream, endpoint, and the result: "passed", "failed" or "skipped".
  std::map<Labels, std::uint64_t> health_checks;
  // Upstream and endpoint, once for each time that it was taken out.
  std::map<Labels, std::uint64_t> ejections;
  // App and reason: "ok", or the label of an ExitReason.
  std::map<Labels, std::uint64_t> app_starts;
  // App and the label of an ExitReason.
  std::map<Labels, std::uint64_t> app_exits;
  // App, what had happened ("started", "failed", "recycled"), and the result: "ok", "failed", "timeout" or "dropped".
  std::map<Labels, std::uint64_t> app_hooks;
  // App. From the start of a process to ready.
  std::map<std::string, DurationHistogram> app_start_times;

  // Reservation (empty: nothing is reserved there) and what has become of a registration: "registered", "released",
  // "lost" (its connection has ended), "revoked" (its reservation is gone) or "refused". Added to by Registrations.
  std::map<Labels, std::uint64_t> registration_events;

  // States, which UpstreamDirectory::note() replaces right before a scrape.
  std::vector<EndpointHealth> endpoints;
  std::vector<Instances> instances;
  std::vector<Memory> memory;
  std::vector<App> apps;
  // By reservation; Registrations::note() replaces it.
  std::map<std::string, std::uint64_t> registrations;
};

class MetricsPage;
class SeriesLives;
// Adds the families of endpoints, as far as `lives` shows them, and then those of apps.
void append_control_metrics(MetricsPage& page, const ControlMetrics& metrics, const SeriesLives& lives);

}  // namespace gatehouse
