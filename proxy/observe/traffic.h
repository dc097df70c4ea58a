// How much, how fast and how well, over the last seconds: reads the workers' counters once a second, keeps two
// minutes of what it read, and tells rates and quantiles of the difference. Owned by the StatusBoard; control thread,
// which reads while workers count.
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
#include "proxy/http/counters.h"
#include "proxy/http/protocol.h"
#include "proxy/observe/fine_durations.h"
#include "proxy/observe/worker_metrics.h"

namespace gatehouse {

class Traffic {
 public:
  using Workers = std::vector<std::shared_ptr<const WorkerMetrics>>;
  // What rates and quantiles are told of.
  static constexpr std::chrono::seconds kWindow{10};
  // How many points are kept, one for each sample: two minutes.
  static constexpr std::size_t kHistory = 120;
  // Of fewer requests than these no quantile is told: it would be one of them, by chance.
  static constexpr std::uint64_t kFewest = 20;

  // Of one protocol, since the start.
  struct Totals {
    // Requests that have ended.
    std::uint64_t requests = 0;
    // Those of them that were answered with 5xx, by endpoints or by us.
    std::uint64_t errors = 0;
    // Requests that are being answered now, tunnels among them.
    std::uint64_t in_flight = 0;
    // WebSockets and other tunnels that are open now.
    std::uint64_t tunnels = 0;
    FineDurations::Counts durations{};
  };
  // Over the window, but for the totals.
  struct Figures {
    double requests_per_second = 0;
    double errors_per_second = 0;
    // Durations of requests in milliseconds; nothing where fewer than kFewest have ended in the window.
    std::optional<double> p50_ms;
    std::optional<double> p99_ms;
    Totals totals;
  };
  // From one sample to the next: about a second, all protocols together.
  struct Point {
    std::uint64_t requests = 0;
    std::uint64_t errors = 0;
    // Of the window that ends with it.
    std::optional<double> p99_ms;
  };
  // Of one route, since the start, over all workers.
  struct Count {
    std::uint64_t requests = 0;
    std::uint64_t errors = 0;
    // Answered with what the cache had, and all that its cache has seen.
    std::uint64_t cache_hits = 0;
    std::uint64_t cache_requests = 0;
  };
  // How often connections to a listener found a limit reached, by ConnectionRefusal.
  using Refusals = std::array<std::uint64_t, kConnectionRefusalCount>;
  // Of one endpoint, over all workers.
  struct Connections {
    // Connections now.
    std::uint64_t idle = 0, active = 0;
    // Attempts to connect since the start. A listener that is not the app's counts as failed; the last are those that
    // our own machine had no means for.
    std::uint64_t ok = 0, refused = 0, failed = 0, timeout = 0, out_of_resources = 0;
  };
  // Upstream and endpoint.
  using EndpointName = std::pair<std::string, std::string>;

  // Reads the counters of all workers, and forgets what is older than the window and the history. To be called about
  // once a second.
  void sample(const Workers& workers, MonotonicTime now);

  // Of one protocol, or of all without one. HTTP/1.0 counts as h1, and has nothing under its own name. Rates are zero
  // until there are two samples.
  Figures figures(std::optional<Protocol> protocol) const;
  // By listener, over the window; nothing where there are no two samples yet, or the listener has come since.
  Refusals refusals(const std::string& listener) const;
  // Oldest first.
  const std::deque<Point>& history() const { return history_; }

  // Read from the counters as they are now, not as they were sampled. Requests that took no route have the name "".
  static std::map<std::string, Count> by_route(const Workers& workers);
  static std::map<EndpointName, Connections> by_endpoint(const Workers& workers);

  // The duration in milliseconds that `share` (0 to 1) of what is counted stayed within, interpolated within its
  // bucket; nothing where fewer than kFewest are counted.
  static std::optional<double> quantile(const FineDurations::Counts& counts, double share);

 private:
  // What the counters were at one moment, by protocol.
  struct Sample {
    MonotonicTime time{};
    std::array<Totals, kProtocolCount> of{};
    // By listener.
    std::map<std::string, Refusals> refused{};
  };
  // Adds up the workers' counters.
  static Sample read(const Workers& workers, MonotonicTime now);
  // One protocol of a sample, or all of them together.
  static Totals sum(const Sample& sample, std::optional<Protocol> protocol);

  // Oldest first: the last one that is as old as the window, and all after it. Figures are the last less the first,
  // points the last less the one before.
  //
  //   samples_   [ 10 s ago | 9 s ago | ... | 1 s ago | now ]
  std::deque<Sample> samples_;
  std::deque<Point> history_;
};

}  // namespace gatehouse
