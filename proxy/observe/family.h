// Builds one prometheus::MetricFamily: series are added in any order and repeatedly, and those with the same label
// values become one, so that the workers' shares are summed. A value of one scrape; pure.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <prometheus/metric_family.h>

#include "proxy/observe/duration_histogram.h"

namespace gatehouse {

class Family {
 public:
  // Makes a counter or a gauge; `name` is the whole name as it is shown.
  Family(prometheus::MetricType type, std::string name, std::string help, std::vector<std::string> label_names);

  // Adds to the series of these values. REQUIRES: one value for each label name, in their order.
  void add(std::vector<std::string> label_values, double value) { values_[std::move(label_values)] += value; }
  // The family with its series, sorted by their values. REQUIRES: it is taken once.
  prometheus::MetricFamily take();

 private:
  prometheus::MetricFamily family_;
  std::vector<std::string> label_names_;
  std::map<std::vector<std::string>, double> values_;
};

// The same for durations, whose buckets are DurationHistogram's.
class HistogramFamily {
 public:
  HistogramFamily(std::string name, std::string help, std::vector<std::string> label_names);

  // Adds bucket by bucket to the series of these values. REQUIRES: one value for each label name, in their order.
  void add(const std::vector<std::string>& label_values, const DurationHistogram& histogram);
  // The family in seconds, with cumulative buckets and one more for +Inf. REQUIRES: it is taken once.
  prometheus::MetricFamily take();

 private:
  struct Sum {
    std::array<std::uint64_t, DurationHistogram::kBounds.size() + 1> counts{};
    double seconds = 0;
  };
  prometheus::MetricFamily family_;
  std::vector<std::string> label_names_;
  std::map<std::vector<std::string>, Sum> sums_;
};

}  // namespace gatehouse
