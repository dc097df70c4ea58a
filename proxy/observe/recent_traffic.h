// How much and how well each route, upstream and endpoint did lately: reads the workers' counters once a second, keeps
// a minute of what it read, and tells rates and quantiles of the difference. Takes a few KiB for each of them that ever
// had a request. Owned by the StatusBoard; control thread, which reads while workers count.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/clock.h"
#include "proxy/observe/fine_durations.h"
#include "proxy/observe/traffic.h"

namespace gatehouse {

class RecentTraffic {
 public:
  // What rates are told of. Errors and durations are of the long window, or up to kStep more: one endpoint has few.
  static constexpr std::chrono::seconds kShort{10};
  static constexpr std::chrono::seconds kLong{60};
  static constexpr std::chrono::seconds kStep{10};

  // Of one route, upstream or endpoint.
  struct Figures {
    // Over the short window.
    double requests_per_second = 0;
    // Over the long one.
    double requests_per_second_1m = 0;
    // Those of them that were answered with 5xx; of upstreams and endpoints, also those that they did not answer.
    double errors_per_second_1m = 0;
    // Durations in milliseconds over the long window; nothing where they are too few (Traffic::kFewest).
    std::optional<double> p50_ms;
    std::optional<double> p95_ms;
    std::optional<double> p99_ms;
  };

  // Reads the counters of all workers, and forgets what is older than the windows. To be called about once a second.
  void sample(const Traffic::Workers& workers, MonotonicTime now);

  // All zero where nothing is known of it, and until there are two samples. Requests that took no route have the
  // route "".
  Figures route(const std::string& name) const;
  Figures upstream(const std::string& name) const;
  Figures endpoint(const Traffic::EndpointName& name) const;

 private:
  // Buckets of FineDurations that hold something, in their order, and how much: most are empty.
  using Durations = std::vector<std::pair<std::uint16_t, std::uint64_t>>;
  // What has been counted of one since the start.
  struct Count {
    std::uint64_t requests = 0;
    std::uint64_t errors = 0;
    Durations durations{};
  };
  struct Sample {
    MonotonicTime time{};
    // By place; what had no place yet counted nothing.
    std::vector<Count> of;
  };
  struct Requests {
    MonotonicTime time{};
    std::vector<std::uint64_t> of;
  };
  // Where it stands in each sample, for as long as this object lives.
  using Place = std::size_t;
  template <class Name>
  using Places = std::map<Name, Place>;

  template <class Name>
  Count& count_of(Places<Name>& places, const Name& name);
  void read(const Traffic::Workers& workers);
  static void add(Durations& to, const FineDurations& more);
  Figures figures(const std::vector<Place>& places) const;

  Places<std::string> routes_;
  Places<Traffic::EndpointName> endpoints_;
  Sample now_;
  // Oldest first: the last one that is as old as the window, and those after it. The minute has one for each step.
  //
  //   last_seconds_   [ 10 s ago | 9 s ago | ... | now ]
  //   last_minute_    [ 60 to 70 s ago | 10 s less | ... | up to 10 s ago ]
  std::deque<Requests> last_seconds_;
  std::deque<Sample> last_minute_;
};

}  // namespace gatehouse
