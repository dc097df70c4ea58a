// The metrics page while it is being put together: families with the common prefix "gatehouse_", in the order of the
// page. A value of one scrape, on the control thread.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <prometheus/metric_family.h>

#include "common/counter.h"
#include "proxy/observe/family.h"

namespace gatehouse {

inline double number(const Counter& counter) {
  return static_cast<double>(counter.value());
}

class MetricsPage {
 public:
  // Empty families of the page. `name` goes without the prefix, `labels` are the names of the labels.
  static Family counter(const std::string& name, std::string help, std::vector<std::string> labels = {}) {
    return {prometheus::MetricType::Counter, "gatehouse_" + name, std::move(help), std::move(labels)};
  }
  static Family gauge(const std::string& name, std::string help, std::vector<std::string> labels = {}) {
    return {prometheus::MetricType::Gauge, "gatehouse_" + name, std::move(help), std::move(labels)};
  }
  static HistogramFamily histogram(const std::string& name, std::string help, std::vector<std::string> labels) {
    return {"gatehouse_" + name, std::move(help), std::move(labels)};
  }

  // Takes the family and puts it behind those that are there. One without series is shown by its name alone.
  template <class AnyFamily>
  void add(AnyFamily& family) {
    families_.push_back(family.take());
  }
  // The same of a family with one series and no labels.
  void add(Family family, double value) {
    family.add({}, value);
    add(family);
  }
  // REQUIRES: it is taken once.
  std::vector<prometheus::MetricFamily> take() { return std::move(families_); }

 private:
  std::vector<prometheus::MetricFamily> families_;
};

}  // namespace gatehouse
