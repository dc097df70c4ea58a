// How much, how fast and how well, over the last seconds: reads the workers' counters once a second, keeps two minutes
// of what it read, and tells rates and quantiles of the difference. Control thread; reads while workers count.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/clock.h"
#include "proxy/http/protocol.h"
#include "proxy/observe/duration_histogram.h"
#include "proxy/observe/worker_metrics.h"

namespace gatehouse {

class Traffic {
 public:
  using Workers = std::vector<std::shared_ptr<const WorkerMetrics>>;
  static constexpr std::chrono::seconds kWindow{10};  // of rates and quantiles
  static constexpr std::size_t kHistory = 120;        // points, a second each
  using Buckets = std::array<std::uint64_t, DurationHistogram::kBounds.size() + 1>;

  // Of one protocol, since the start.
  struct Totals {
    std::uint64_t requests = 0;
    std::uint64_t errors = 0;  // answered with 5xx, by endpoints or by us
    std::uint64_t in_flight = 0;
    Buckets buckets{};
  };
  struct Figures {
    double requests_per_second = 0;
    double errors_per_second = 0;
    std::optional<double> p50_ms;  // nothing: no request in the window
    std::optional<double> p99_ms;
    Totals totals;
  };
  // One second.
  struct Point {
    std::uint64_t requests = 0;
    std::uint64_t errors = 0;
    std::optional<double> p99_ms;
  };
  struct Count {
    std::uint64_t requests = 0;
    std::uint64_t errors = 0;
  };
  // Of one endpoint, since the start, over all workers.
  struct Connections {
    std::uint64_t idle = 0, active = 0;
    std::uint64_t ok = 0, refused = 0, failed = 0, timeout = 0;
  };
  using EndpointName = std::pair<std::string, std::string>;  // upstream, endpoint

  // To be called about once a second.
  void sample(const Workers& workers, MonotonicTime now);

  // Of one protocol, or of all without one. HTTP/1.0 counts as h1.
  Figures figures(std::optional<Protocol> protocol) const;
  const std::deque<Point>& history() const { return history_; }  // oldest first

  static std::map<std::string, Count> by_route(const Workers& workers);
  static std::map<EndpointName, Connections> by_endpoint(const Workers& workers);

  // The duration in milliseconds that `share` of what is counted stayed within, interpolated within its bucket.
  static std::optional<double> quantile(const Buckets& counts, double share);

 private:
  struct Sample {
    MonotonicTime time{};
    std::array<Totals, kProtocolCount> of{};
  };
  static Sample read(const Workers& workers, MonotonicTime now);
  static Totals sum(const Sample& sample, std::optional<Protocol> protocol);

  std::deque<Sample> samples_;  // of the window and one before
  std::deque<Point> history_;
};

}  // namespace gatehouse
