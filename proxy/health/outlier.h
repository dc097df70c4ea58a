// Takes endpoints out of the balance whose requests keep failing, for a time that grows with each repetition, and never
// more than a share of an upstream. Told by workers through Membership::Hooks (posted). Owned by the Server; its
// thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "proxy/upstream/membership.h"

namespace gatehouse {

class EventLoop;

struct OutlierOptions {
  std::uint32_t consecutive_failures = 5;  // 0: never eject
  std::chrono::milliseconds eject_for{30'000};
  std::uint32_t max_ejected = 50;  // percent of the upstream's endpoints; one of them at least where it has two or more
};

class OutlierDetector {
 public:
  // `on_change`: an endpoint was ejected or is back.
  OutlierDetector(EventLoop& loop, std::function<void(const Endpoint&, bool ejected)> on_change);
  ~OutlierDetector();
  OutlierDetector(const OutlierDetector&) = delete;
  OutlierDetector& operator=(const OutlierDetector&) = delete;

  void keeps_failing(const Membership& membership, const std::shared_ptr<Endpoint>& endpoint,
                     const OutlierOptions& options);

 private:
  struct Ejection;
  EventLoop& loop_;
  std::function<void(const Endpoint&, bool)> on_change_;
  std::vector<std::unique_ptr<Ejection>> ejections_;
};

}  // namespace gatehouse
