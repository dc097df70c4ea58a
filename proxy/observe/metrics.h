// The metrics page: what the workers have counted, added up at scrape time into the families that users and
// dashboards know by name (prefix gatehouse_), and what the server itself says about its state. Owned by the Server,
// on the control thread, where it is also scraped; reads the workers' counters while they count.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <prometheus/collectable.h>

#include "common/clock.h"
#include "proxy/http/alt_svc_state.h"
#include "proxy/observe/control_metrics.h"
#include "proxy/observe/series_lives.h"
#include "proxy/observe/worker_metrics.h"

namespace gatehouse {

class MetricsPage;

// What the control thread knows by itself. Owned by the Server and changed there only: some when it happens, the
// counts at the end right before a scrape.
struct ServerStatus {
  struct Certificate {
    std::string listener;
    // Its file, as configured.
    std::string certificate;
    WallTime expires;
    // From when on it should have been renewed.
    WallTime renewal_due;
  };
  // Of a listener that is meant to advertise HTTP/3; the others have none.
  struct AltSvc {
    std::string listener;
    // Null where its UDP port could not be bound, so that its answers carry no Alt-Svc.
    std::shared_ptr<const AltSvcState> state;
  };

  bool draining = false;
  // Workers whose loop has not come round for some seconds.
  std::size_t workers_hanging = 0;
  // Of the last attempt, while `last_reload` is when the configuration in force was applied.
  bool last_reload_ok = true;
  WallTime last_reload{};
  // The names of those that are configured.
  std::set<std::string> listeners;
  // In the order of the listeners in the configuration.
  std::vector<Certificate> certificates;
  std::vector<AltSvc> alt_svc;
  std::uint64_t access_log_lines = 0;
  std::uint64_t access_log_dropped = 0;
  // Open now, to all endpoints, and how many may be; a limit of 0 is none.
  std::uint64_t upstream_connections = 0;
  std::uint64_t upstream_connections_limit = 0;
  // Of stored responses.
  std::uint64_t cache_bytes = 0;
  std::uint64_t cache_bytes_limit = 0;
  std::uint64_t cache_entries = 0;
  std::uint64_t cache_evictions = 0;
};

class Metrics final : public prometheus::Collectable {
 public:
  // Both outlive the metrics, and are read at each scrape.
  Metrics(const ServerStatus& status, const ControlMetrics& control) : status_(status), control_(control) {}

  // Called once for each worker before it starts. What it counts stays part of the sums for good, so that no count
  // ever goes back.
  void add(std::shared_ptr<const WorkerMetrics> worker) { workers_.push_back(std::move(worker)); }
  const std::vector<std::shared_ptr<const WorkerMetrics>>& workers() const { return workers_; }

  // All families, in the order of the page: the server's, listeners', requests', upstreams' and endpoints', then
  // append_control_metrics() and append_process_metrics(). What is hidden is what was at the last page().
  std::vector<prometheus::MetricFamily> Collect() const override;
  // A scrape, in Prometheus's text format, version 0.0.4. Series of endpoints and listeners that have gone are hidden
  // after a while (SeriesLives).
  std::string page(MonotonicTime now);

 private:
  // Who is there and who has gone, before a scrape.
  void look_around(MonotonicTime now);
  bool shows(const std::string& listener) const { return lives_.shown({listener, {}}); }
  void collect_server(MetricsPage& page) const;
  void collect_listeners(MetricsPage& page) const;
  void collect_quic(MetricsPage& page) const;
  void collect_requests(MetricsPage& page) const;
  void collect_decisions(MetricsPage& page) const;
  void collect_upstreams(MetricsPage& page) const;
  void collect_endpoints(MetricsPage& page) const;

  const ServerStatus& status_;
  const ControlMetrics& control_;
  std::vector<std::shared_ptr<const WorkerMetrics>> workers_;
  SeriesLives lives_;
};

}  // namespace gatehouse
