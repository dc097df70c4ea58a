// Asks the endpoints of upstreams whether they are well, each at its interval give or take a fifth, never more than
// fifty at once, and sets or clears Obstacle::kUnhealthy and kUnchecked by what health_tracker.h makes of the
// answers. A member of UpstreamDirectory; the control thread.
//
//   in line --fewer than 50 asked--> asked --answer, timeout--> at rest --interval--> in line ...
//   (an endpoint that does not serve, kNotServing, goes from the line to rest: neither asked nor judged)
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "config/policy/balancing.h"
#include "proxy/upstream/membership.h"

namespace gatehouse {

class EventLoop;

// How one check ended: for counters and the log.
struct HealthCheckResult {
  std::shared_ptr<Endpoint> endpoint;
  bool passed = false;
  // There was an answer, whatever it was.
  bool responded = false;
  // "status 503", "connect_refused"; empty if it passed, or was not judged.
  std::string why;
  // The endpoint's health changed with it.
  bool changed = false;
  // False if our own machine could not ask, which says nothing of the endpoint.
  bool judged = true;
};

class HealthChecker {
 public:
  // `on_result` is called once for each check that ends, after the endpoint has been judged; never from within a call
  // of this class, and never for an endpoint that does not serve.
  HealthChecker(EventLoop& loop, std::function<void(const HealthCheckResult&)> on_result);
  // Gives up the checks under way. Obstacles stay as they are.
  ~HealthChecker();
  HealthChecker(const HealthChecker&) = delete;
  HealthChecker& operator=(const HealthChecker&) = delete;

  // The endpoints of one upstream, and how to ask them.
  struct Target {
    std::shared_ptr<Membership> membership;
    HealthOptions options;
  };
  // Says all that is to be checked from now on. What stays the same keeps its results and its times. Under other
  // options an endpoint is asked at once, and keeps its health until checks by them say otherwise. Endpoints that
  // nobody checks any more count as healthy.
  void configure(std::vector<Target> targets);
  // The membership has another set, or an endpoint serves again: those that are new in it, or were passed over, are
  // checked at once, and those that have left it are forgotten.
  void look_again(const Membership& membership);

 private:
  class Schedule;
  std::unique_ptr<Schedule> schedule_;
};

}  // namespace gatehouse
