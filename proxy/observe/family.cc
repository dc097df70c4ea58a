#include "proxy/observe/family.h"

#include <cassert>
#include <limits>
#include <utility>

namespace gatehouse {
namespace {

prometheus::MetricFamily family_of(prometheus::MetricType type, std::string name, std::string help) {
  prometheus::MetricFamily family;
  family.name = std::move(name);
  family.help = std::move(help);
  family.type = type;
  return family;
}

prometheus::ClientMetric labelled(const std::vector<std::string>& names, const std::vector<std::string>& values) {
  assert(names.size() == values.size());
  prometheus::ClientMetric metric;
  for (std::size_t i = 0; i < names.size(); ++i) metric.label.push_back({.name = names[i], .value = values[i]});
  return metric;
}

}  // namespace

Family::Family(prometheus::MetricType type, std::string name, std::string help, std::vector<std::string> label_names)
    : family_(family_of(type, std::move(name), std::move(help))), label_names_(std::move(label_names)) {}

prometheus::MetricFamily Family::take() {
  for (const auto& [label_values, value] : values_) {
    prometheus::ClientMetric metric = labelled(label_names_, label_values);
    if (family_.type == prometheus::MetricType::Counter) {
      metric.counter.value = value;
    } else {
      metric.gauge.value = value;
    }
    family_.metric.push_back(std::move(metric));
  }
  return std::move(family_);
}

HistogramFamily::HistogramFamily(std::string name, std::string help, std::vector<std::string> label_names)
    : family_(family_of(prometheus::MetricType::Histogram, std::move(name), std::move(help))),
      label_names_(std::move(label_names)) {}

void HistogramFamily::add(const std::vector<std::string>& label_values, const DurationHistogram& histogram) {
  Sum& sum = sums_[label_values];
  for (std::size_t i = 0; i < sum.counts.size(); ++i) sum.counts[i] += histogram.count(i);
  sum.seconds += histogram.seconds();
}

prometheus::MetricFamily HistogramFamily::take() {
  for (const auto& [label_values, sum] : sums_) {
    prometheus::ClientMetric metric = labelled(label_names_, label_values);
    std::uint64_t cumulative = 0;
    for (std::size_t i = 0; i < sum.counts.size(); ++i) {
      cumulative += sum.counts[i];
      const bool last = i == DurationHistogram::kBounds.size();
      metric.histogram.bucket.push_back({
          .cumulative_count = cumulative,
          .upper_bound =
              last ? std::numeric_limits<double>::infinity() : static_cast<double>(DurationHistogram::kBounds[i]) / 1e6,
      });
    }
    metric.histogram.sample_count = cumulative;
    metric.histogram.sample_sum = sum.seconds;
    family_.metric.push_back(std::move(metric));
  }
  return std::move(family_);
}

}  // namespace gatehouse
