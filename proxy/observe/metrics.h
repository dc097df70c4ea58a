// The metrics page: what the workers have counted, added up at scrape time into the families that users and dashboards
// know by name (prefix gatehouse_), and what the server itself says about its state. Lives on the control thread, where
// it is also scraped; reads the workers' counters while they count.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <prometheus/collectable.h>

#include "common/clock.h"
#include "proxy/observe/control_metrics.h"
#include "proxy/observe/worker_metrics.h"

namespace gatehouse {

class MetricsPage;

// What the control thread knows by itself. Changed there only.
struct ServerStatus {
  struct Certificate {
    std::string listener;
    std::string certificate;  // its file, as configured
    WallTime expires;
  };
  struct AltSvc {  // of a listener that is meant to advertise it
    std::string listener;
    bool advertised = false;
  };

  bool draining = false;
  std::size_t workers_hanging = 0;
  bool last_reload_ok = true;
  WallTime last_reload{};
  std::vector<Certificate> certificates;
  std::vector<AltSvc> alt_svc;
  std::uint64_t access_log_lines = 0;
  std::uint64_t access_log_dropped = 0;
  std::uint64_t upstream_connections = 0;  // open now, to all endpoints
  std::uint64_t upstream_connections_limit = 0;
};

class Metrics final : public prometheus::Collectable {
 public:
  // Both outlive the metrics.
  Metrics(const ServerStatus& status, const ControlMetrics& control) : status_(status), control_(control) {}

  void add(std::shared_ptr<const WorkerMetrics> worker) { workers_.push_back(std::move(worker)); }
  const std::vector<std::shared_ptr<const WorkerMetrics>>& workers() const { return workers_; }

  std::vector<prometheus::MetricFamily> Collect() const override;
  std::string page() const;  // in the text format, version 0.0.4

 private:
  void collect_server(MetricsPage& page) const;
  void collect_listeners(MetricsPage& page) const;
  void collect_quic(MetricsPage& page) const;
  void collect_requests(MetricsPage& page) const;
  void collect_upstreams(MetricsPage& page) const;
  void collect_endpoints(MetricsPage& page) const;

  const ServerStatus& status_;
  const ControlMetrics& control_;
  std::vector<std::shared_ptr<const WorkerMetrics>> workers_;
};

}  // namespace gatehouse
