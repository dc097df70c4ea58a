// One app as an upstream: its ready instances are the endpoints in force, its state says what becomes of requests that
// find none. Owned by the UpstreamDirectory; its thread. Shares its membership with snapshots and workers.
//
//   AppHost --events--> UpstreamDirectory --update, start_failed--> HostedApp --replace(set)--> Membership
//                                         --drain---------------->     |  set(kNotServing) on the instance's endpoint
//   AppHost::drained <---------------- drained <-----------------------+  once nothing is in flight there
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
  // `drained` is called once for each drain(), from the loop and never from drain() itself: nothing is in flight any
  // more at an instance that was to be drained.
  HostedApp(EventLoop& loop, std::shared_ptr<Membership> membership, std::move_only_function<void(InstanceId)> drained);
  HostedApp(const HostedApp&) = delete;
  HostedApp& operator=(const HostedApp&) = delete;

  const std::shared_ptr<Membership>& membership() const { return membership_; }

  // The app has changed: puts the set of its ready instances in force. An instance has the same Endpoint for its whole
  // life. One that is not ready any more, or not in the view, is kNotServing from now on.
  void update(const AppView& view);
  // Those who wait are answered for, and so are others until the app is started anew. But an app that has served before
  // is given two more starts first: a crash must not cost a request only because the next start was unlucky.
  void start_failed(const AppView& view);
  // The app is gone from the configuration. Its endpoints are looked after as before, but what is in force is for others
  // to say from now on: the name may be an upstream's.
  void leave() { leaving_ = true; }
  // The app is in the configuration again: as update().
  void come_back(const AppView& view);
  // The instance gets no new requests. Its endpoint is looked at every 10 ms until nothing is in flight there; an
  // instance that is not known is empty at once.
  void drain(InstanceId instance);
  bool knows(InstanceId instance) const { return endpoints_.contains(instance); }
  // Returns nothing if the endpoint is none of this app's.
  std::optional<InstanceId> instance_at(const Endpoint& endpoint) const;
  // Requests so far and in flight; zeros for an instance that is not known.
  InstanceUse use(InstanceId instance) const;

 private:
  void put_in_force(const AppView& view);
  void look_after_draining();

  EventLoop& loop_;
  const std::shared_ptr<Membership> membership_;
  std::move_only_function<void(InstanceId)> drained_;
  // An instance has been ready at some time.
  bool has_served_ = false;
  // In a row.
  int failed_starts_ = 0;
  // Requests are refused because starts failed.
  bool start_failed_ = false;
  // Of all instances in the last view that have been ready.
  std::map<InstanceId, std::shared_ptr<Endpoint>> endpoints_;
  std::vector<InstanceId> draining_;
  // Nothing is put in force.
  bool leaving_ = false;
  Timer draining_check_;
};

}  // namespace gatehouse
