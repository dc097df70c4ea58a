// All that one worker counts. Shared by the WorkerGroup, whose worker counts in it, and by Metrics, which keeps it
// until the program ends; changed on the worker's thread, read by Metrics, Traffic and RecentTraffic on the control thread.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "common/counter.h"
#include "proxy/http/counters.h"
#include "proxy/http/exchange/exchange.h"
#include "proxy/http/fault.h"
#include "proxy/observe/duration_histogram.h"
#include "proxy/observe/fine_durations.h"
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
  // Between the two, for an exchange that has become a tunnel. Its time and its bytes are no request's.
  void tunnel_opened(const Exchange& exchange);

 private:
  // They read the lists, on the control thread.
  friend class Metrics;
  friend class RecentTraffic;
  friend class Traffic;

  // As /metrics tells them, and finely enough for percentiles.
  struct Durations {
    DurationHistogram histogram;
    FineDurations fine;

    void observe(Duration took) {
      histogram.observe(took);
      fine.observe(took);
    }
  };
  // The links to the durations spare the second look-up; they are the worker's alone.
  struct Requests {
    Counter count;
    // Of their bodies, in nanoseconds.
    Counter throttled;
    Durations* durations = nullptr;
  };
  struct Tunnels {
    SeriesList<Counter> open;   // protocol, route
    SeriesList<Counter> bytes;  // protocol, direction
  };
  struct OfProtocol {
    Counter request_body_bytes;
    Counter response_body_bytes;
  };
  // By CacheResult.
  struct CacheUse {
    std::array<Counter, kCacheResults> results;
  };
  // What was decided for a request besides forwarding it.
  struct Decisions {
    SeriesList<Counter> sign_ins;     // route, scheme, outcome
    SeriesList<Counter> delegations;  // upstream, target, result
    SeriesList<CacheUse> cache_uses;  // route
  };
  struct UpstreamRequests {
    Counter count;
    Durations* durations = nullptr;
  };

  void tunnel_closed(const Exchange& exchange);
  // Returns how long the request was with upstreams that have handed it over.
  Duration count_delegations(const ExchangeRecord& record);
  // Counts nothing for an exchange that never left the waiting line, nor does its time in it count as the upstream's.
  void count_upstream(const ExchangeRecord& record, Duration took);
  void count_request(std::string_view upstream, std::string_view endpoint, std::string_view code, Duration took);

  // The labels of each list stand behind it.
  SeriesList<ListenerCounters> listeners_;          // listener
  SeriesList<EndpointCounters> endpoints_;          // upstream, endpoint
  SeriesList<Counter> in_flight_;                   // listener, protocol
  SeriesList<Requests> requests_;                   // listener, protocol, route, code
  SeriesList<Durations> durations_;                 // protocol, route
  SeriesList<UpstreamRequests> upstream_requests_;  // upstream, endpoint, code
  SeriesList<Durations> upstream_durations_;        // upstream, endpoint
  SeriesList<UpstreamCounters> upstreams_;          // upstream
  Tunnels tunnels_;
  Decisions decisions_;
  std::array<OfProtocol, kProtocolCount> of_protocol_;
  std::array<Counter, kFaultCount> faults_;
};

}  // namespace gatehouse
