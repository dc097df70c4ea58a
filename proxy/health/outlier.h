// Takes endpoints out of the balance whose requests keep failing, for a time that grows with each repetition, and
// never more than a share of an upstream. Workers tell of them through Membership::Hooks, which post. A member of
// UpstreamDirectory; the control thread.
//
//   well --keeps_failing()--> ejected --eject_for, twice, four times it, ... 5 minutes--> back --5 minutes--> forgotten
//                                ^---------------- keeps_failing() ------------------------+
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "config/policy/balancing.h"
#include "proxy/upstream/membership.h"

namespace gatehouse {

class EventLoop;

class OutlierDetector {
 public:
  // `on_change` is called when an endpoint was ejected (from within keeps_failing()) and when it is back (from the
  // loop).
  OutlierDetector(EventLoop& loop, std::function<void(const Endpoint&, bool ejected)> on_change);
  // All that is out comes back, without a call.
  ~OutlierDetector();
  OutlierDetector(const OutlierDetector&) = delete;
  OutlierDetector& operator=(const OutlierDetector&) = delete;

  // Ejects the endpoint, unless it is out already or no member any more, too many others are out, or it is the last
  // one that is available: some answers are better than none.
  void keeps_failing(const Membership& membership, const std::shared_ptr<Endpoint>& endpoint,
                     const OutlierOptions& options);

 private:
  // One endpoint: out, then back but not yet forgotten.
  struct Ejection;
  EventLoop& loop_;
  std::function<void(const Endpoint&, bool)> on_change_;
  std::vector<std::unique_ptr<Ejection>> ejections_;
};

}  // namespace gatehouse
