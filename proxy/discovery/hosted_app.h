// One app as an upstream: its ready instances are the endpoints in force, its state says what becomes of requests that
// find none. Owned by the UpstreamDirectory; its thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "common/timer.h"
#include "proxy/apps/app_host.h"
#include "proxy/upstream/membership.h"

namespace gatehouse {

class HostedApp {
 public:
  // `drained`: nothing is in flight any more at an instance that was to be drained.
  HostedApp(EventLoop& loop, std::shared_ptr<Membership> membership, std::move_only_function<void(InstanceId)> drained);
  HostedApp(const HostedApp&) = delete;
  HostedApp& operator=(const HostedApp&) = delete;

  const Membership& membership() const { return *membership_; }

  void update(const AppView& view);
  // Those who wait are answered for, and so are others until the app is started anew. But an app that has served before
  // is given two more starts first: a crash must not cost a request only because the next start was unlucky.
  void start_failed(const AppView& view);
  void drain(InstanceId instance);
  bool knows(InstanceId instance) const { return endpoints_.contains(instance); }
  std::optional<InstanceId> instance_at(const Endpoint& endpoint) const;
  InstanceUse use(InstanceId instance) const;  // nothing of one that is not known

 private:
  void put_in_force(const AppView& view);
  void look_after_draining();

  EventLoop& loop_;
  const std::shared_ptr<Membership> membership_;
  std::move_only_function<void(InstanceId)> drained_;
  bool has_served_ = false;
  int failed_starts_ = 0;                                      // in a row
  bool start_failed_ = false;                                  // so that requests are refused
  std::map<InstanceId, std::shared_ptr<Endpoint>> endpoints_;  // of all instances that have been ready
  std::vector<InstanceId> draining_;
  Timer draining_check_;
};

}  // namespace gatehouse
