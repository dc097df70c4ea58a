// All that one worker counts. Owned by its worker (and kept until the program ends, so that no count ever goes back);
// changed on the worker's thread, read by Metrics and Traffic on the control thread.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "common/counter.h"
#include "proxy/http/counters.h"
#include "proxy/http/exchange.h"
#include "proxy/http/fault.h"
#include "proxy/observe/duration_histogram.h"
#include "proxy/observe/series_list.h"

namespace gatehouse {

class WorkerMetrics {
 public:
  // The frontend and the upstream half count in these themselves.
  ListenerCounters& listener(std::string_view name) { return listeners_.at({name}); }
  EndpointCounters& endpoint(std::string_view upstream, std::string_view address) {
    return endpoints_.at({upstream, address});
  }
  UpstreamCounters& upstream(std::string_view name) { return upstreams_.at({name}); }

  void exchange_began(const Exchange& exchange);
  void exchange_ended(const Exchange& exchange, Duration took);

 private:
  friend class Metrics;
  friend class Traffic;

  // Links spare the second look-up; they are the worker's alone.
  struct Requests {
    Counter count;
    DurationHistogram* durations = nullptr;
  };
  struct UpstreamRequests {
    Counter count;
    DurationHistogram* durations = nullptr;
  };

  void count_upstream(const ExchangeRecord& record, Duration took);

  SeriesList<ListenerCounters> listeners_;                  // listener
  SeriesList<EndpointCounters> endpoints_;                  // upstream, endpoint
  SeriesList<Counter> in_flight_;                           // listener, protocol
  SeriesList<Requests> requests_;                           // listener, protocol, route, code
  SeriesList<DurationHistogram> durations_;                 // protocol, route
  SeriesList<UpstreamRequests> upstream_requests_;          // upstream, endpoint, code
  SeriesList<DurationHistogram> upstream_durations_;        // upstream
  SeriesList<UpstreamCounters> upstreams_;                  // upstream
  std::array<Counter, kProtocolCount> request_body_bytes_;  // by protocol
  std::array<Counter, kProtocolCount> response_body_bytes_;
  std::array<Counter, kFaultCount> faults_;
};

}  // namespace gatehouse
