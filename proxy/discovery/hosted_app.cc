#include "proxy/discovery/hosted_app.h"

#include <algorithm>
#include <format>
#include <utility>

#include "common/event_loop.h"

namespace gatehouse {
namespace {

// How often we look whether an instance that drains has become empty: there is no event for it, so that requests need
// not ask whether to raise one.
constexpr std::chrono::milliseconds kDrainingCheck{10};

// In a row, of an app that has served before.
constexpr int kFailedStartsToRefuse = 3;

std::chrono::seconds seconds_until(MonotonicTime time, MonotonicTime now) {
  return std::max(std::chrono::ceil<std::chrono::seconds>(time - now), std::chrono::seconds(1));
}

// What a developer wants to see first: why, and what the app had to say.
std::string detail_of(const AppView& view) {
  if (view.failure_text.empty()) return {};
  std::string text = std::format("{}: {}\n", view.name, view.failure_text);
  if (!view.last_output.empty()) text += std::format("\nlast output:\n{}\n", view.last_output);
  return text;
}

Refusal refusal_of(const AppView& view, bool start_failed, MonotonicTime now) {
  switch (view.state) {
    case AppState::kParked:
      return {.fault = Fault::kAppParked,
              .retry_after = seconds_until(view.retry_at, now),
              .body = {},
              .content_type = {},
              .detail = detail_of(view)};
    case AppState::kOffline:
      return {.fault = Fault::kAppOffline,
              .retry_after = std::chrono::seconds(0),
              .body = view.offline_body,
              .content_type = view.offline_type,
              .detail = {}};
    case AppState::kStopped:
      return {.fault = Fault::kAppStopped};
    default:
      if (!start_failed) return {};
      return {.fault = Fault::kAppStartFailed,
              .retry_after = seconds_until(view.retry_at, now),
              .body = {},
              .content_type = {},
              .detail = detail_of(view)};
  }
}

bool refuses(const AppView& view, bool start_failed) {
  switch (view.state) {
    case AppState::kParked:
    case AppState::kOffline:
      return true;
    case AppState::kStopped:
      return view.stopped_by_command;
    case AppState::kBackoff:
      return start_failed;
    default:
      return false;
  }
}

}  // namespace

HostedApp::HostedApp(EventLoop& loop, std::shared_ptr<Membership> membership,
                     std::move_only_function<void(InstanceId)> drained)
    : loop_(loop),
      membership_(std::move(membership)),
      drained_(std::move(drained)),
      draining_check_(loop, [this] { look_after_draining(); }) {}

void HostedApp::update(const AppView& view) {
  if (view.state != AppState::kBackoff) start_failed_ = false;
  put_in_force(view);
}

void HostedApp::start_failed(const AppView& view) {
  ++failed_starts_;
  start_failed_ = !has_served_ || failed_starts_ >= kFailedStartsToRefuse;
  put_in_force(view);
}

void HostedApp::come_back(const AppView& view) {
  leaving_ = false;
  update(view);
}

void HostedApp::put_in_force(const AppView& view) {
  auto set = std::make_shared<EndpointSet>();
  std::erase_if(endpoints_, [&view](const auto& entry) {
    const bool gone = std::ranges::find(view.instances, entry.first, &InstanceView::id) == view.instances.end();
    if (gone) entry.second->set(Obstacle::kNotServing);
    return gone;
  });
  for (const InstanceView& instance : view.instances) {
    const auto known = endpoints_.find(instance.id);
    if (instance.state != InstanceState::kReady) {
      if (known != endpoints_.end()) known->second->set(Obstacle::kNotServing);
      continue;
    }
    if (known != endpoints_.end()) known->second->clear(Obstacle::kNotServing);
    has_served_ = true;
    failed_starts_ = 0;
    const std::string slot = std::to_string(instance.slot);
    std::shared_ptr<Endpoint>& endpoint = endpoints_[instance.id];
    if (!endpoint) {
      endpoint = std::make_shared<Endpoint>(Endpoint::Identity{.upstream = view.name,
                                                               .address = instance.address,
                                                               .name = view.name + "#" + slot,
                                                               .authority = {},
                                                               .pid = instance.pid,
                                                               .pairing_token = instance.pairing_token,
                                                               .listening_user = instance.listening_user});
    }
    set->members.push_back({.endpoint = endpoint, .weight = 1, .affinity = slot});
  }
  if (leaving_) return;
  const bool refuse = refuses(view, start_failed_);
  set->when_none = refuse ? EndpointSet::WhenNone::kRefuse : EndpointSet::WhenNone::kWait;
  if (refuse) set->refusal = refusal_of(view, start_failed_, loop_.now());
  membership_->replace(std::move(set));
}

void HostedApp::drain(InstanceId instance) {
  if (const auto known = endpoints_.find(instance); known != endpoints_.end()) {
    known->second->set(Obstacle::kNotServing);
  }
  draining_.push_back(instance);
  draining_check_.arm(Duration::zero());
}

std::optional<InstanceId> HostedApp::instance_at(const Endpoint& endpoint) const {
  for (const auto& [id, known] : endpoints_) {
    if (known.get() == &endpoint) return id;
  }
  return std::nullopt;
}

InstanceUse HostedApp::use(InstanceId instance) const {
  const auto known = endpoints_.find(instance);
  if (known == endpoints_.end()) return {};
  return {.requests = known->second->requests(), .in_flight = known->second->in_flight()};
}

void HostedApp::look_after_draining() {
  std::vector<InstanceId> empty;
  std::erase_if(draining_, [&](InstanceId instance) {
    const bool is_empty = use(instance).in_flight == 0;
    if (is_empty) empty.push_back(instance);
    return is_empty;
  });
  if (!draining_.empty()) draining_check_.arm(kDrainingCheck);
  for (const InstanceId instance : empty) drained_(instance);
}

}  // namespace gatehouse
