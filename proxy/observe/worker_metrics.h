// All that one worker counts. Shared by the WorkerGroup, whose worker counts in it, and by Metrics, which keeps it
// until the program ends; changed on the worker's thread, read by Metrics and Traffic on the control thread.
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
  // Counters by name, made when they are first asked for and good for the life of this object. The frontend and the
  // upstream half keep the reference and count in them themselves.
  ListenerCounters& listener(std::string_view name) { return listeners_.at({name}); }
  EndpointCounters& endpoint(std::string_view upstream, std::string_view address) {
    return endpoints_.at({upstream, address});
  }
  UpstreamCounters& upstream(std::string_view name) { return upstreams_.at({name}); }

  // Each is called once for every exchange, the second with how long it took from its first byte: between the two it
  // counts as in flight. An endpoint's answer counts under its status, a page of our own in its place under "none".
  void exchange_began(const Exchange& exchange);
  void exchange_ended(const Exchange& exchange, Duration took);

 private:
  // They read the lists, on the control thread.
  friend class Metrics;
  friend class Traffic;

  // The links to the durations spare the second look-up; they are the worker's alone.
  struct Requests {
    Counter count;
    DurationHistogram* durations = nullptr;
  };
  struct UpstreamRequests {
    Counter count;
    DurationHistogram* durations = nullptr;
  };

  // Counts nothing for an exchange that never left the waiting line, nor does its time in it count as the upstream's.
  void count_upstream(const ExchangeRecord& record, Duration took);

  // The labels of each list stand behind it.
  SeriesList<ListenerCounters> listeners_;            // listener
  SeriesList<EndpointCounters> endpoints_;            // upstream, endpoint
  SeriesList<Counter> in_flight_;                     // listener, protocol
  SeriesList<Requests> requests_;                     // listener, protocol, route, code
  SeriesList<DurationHistogram> durations_;           // protocol, route
  SeriesList<UpstreamRequests> upstream_requests_;    // upstream, endpoint, code
  SeriesList<DurationHistogram> upstream_durations_;  // upstream
  SeriesList<UpstreamCounters> upstreams_;            // upstream
  // By Protocol, and by Fault.
  std::array<Counter, kProtocolCount> request_body_bytes_;
  std::array<Counter, kProtocolCount> response_body_bytes_;
  std::array<Counter, kFaultCount> faults_;
};

}  // namespace gatehouse
