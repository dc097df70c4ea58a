// The metrics page while it is being put together: families with the common prefix, in the order of the page. A value
// of one scrape.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <prometheus/metric_family.h>

#include "proxy/observe/family.h"

namespace gatehouse {

class MetricsPage {
 public:
  static Family counter(const std::string& name, std::string help, std::vector<std::string> labels = {}) {
    return {prometheus::MetricType::Counter, "gatehouse_" + name, std::move(help), std::move(labels)};
  }
  static Family gauge(const std::string& name, std::string help, std::vector<std::string> labels = {}) {
    return {prometheus::MetricType::Gauge, "gatehouse_" + name, std::move(help), std::move(labels)};
  }
  static HistogramFamily histogram(const std::string& name, std::string help, std::vector<std::string> labels) {
    return {"gatehouse_" + name, std::move(help), std::move(labels)};
  }

  template <class AnyFamily>
  void add(AnyFamily& family) {
    families_.push_back(family.take());
  }
  void add(Family family, double value) {
    family.add({}, value);
    add(family);
  }
  std::vector<prometheus::MetricFamily> take() { return std::move(families_); }

 private:
  std::vector<prometheus::MetricFamily> families_;
};

}  // namespace gatehouse
