// Asks the endpoints of upstreams whether they are well, each at its interval with some jitter, never more than fifty
// at once, and sets or clears Obstacle::kUnhealthy and kUnchecked by what health_tracker.h makes of the answers. Owned
// by the Server; its thread.
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

struct HealthOptions {
  std::string path;  // "": no checks
  std::chrono::milliseconds interval{10'000};
  std::chrono::milliseconds timeout{3'000};
  std::uint32_t unhealthy_after = 2;
  std::uint32_t healthy_after = 1;
  std::uint16_t expect_first = 200;
  std::uint16_t expect_last = 399;
  bool wait_for_first = false;  // not healthy before the first passed check
  friend bool operator==(const HealthOptions&, const HealthOptions&) = default;
};

struct HealthCheckResult {  // for counters and the log
  std::shared_ptr<Endpoint> endpoint;
  bool passed = false;
  bool responded = false;  // whatever it was
  std::string why;         // "status 503", "connect_refused"; empty if passed
  bool changed = false;    // the endpoint's health with it
  bool judged = true;      // false: our own machine could not ask, which says nothing of the endpoint
};

class HealthChecker {
 public:
  HealthChecker(EventLoop& loop, std::function<void(const HealthCheckResult&)> on_result);
  ~HealthChecker();
  HealthChecker(const HealthChecker&) = delete;
  HealthChecker& operator=(const HealthChecker&) = delete;

  struct Target {
    std::shared_ptr<Membership> membership;
    HealthOptions options;
  };
  // All that is to be checked from now on. What stays the same keeps its results and its times; endpoints that nobody
  // checks any more are healthy.
  void configure(std::vector<Target> targets);
  // The membership has another set: its new endpoints are checked at once.
  void look_again(const Membership& membership);

 private:
  class Schedule;
  std::unique_ptr<Schedule> schedule_;
};

}  // namespace gatehouse
