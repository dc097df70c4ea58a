#include "proxy/health/health_checker.h"

#include <algorithm>
#include <deque>
#include <format>
#include <map>
#include <utility>

#include "common/crypto/random.h"
#include "common/event_loop.h"
#include "common/timer.h"
#include "common/waker.h"
#include "proxy/health/health_tracker.h"
#include "proxy/health/probe.h"
#include "proxy/upstream/introduction.h"

namespace gatehouse {

namespace {

constexpr std::size_t kAtOnce = 50;
constexpr int kJitterPercent = 20;  // either way
constexpr const char* kPairingField = "MS-ASPNETCORE-TOKEN";

Duration with_jitter(Duration interval) {
  const auto percent = 100 - kJitterPercent + static_cast<std::int64_t>(random::below(2 * kJitterPercent + 1));
  return interval * percent / 100;
}

ProbeRequest request_of(const std::shared_ptr<Endpoint>& checked, const HealthOptions& options) {
  const Endpoint& endpoint = *checked;
  ProbeRequest request;
  request.endpoint = checked;
  request.address = endpoint.address();
  request.path = options.path;
  request.authority = options.host.empty() ? endpoint.authority() : options.host;
  request.timeout = options.timeout;
  request.introduction = introduction::of_ourselves(options.proxy_protocol);
  request.listening_user = endpoint.listening_user();
  request.fields = options.headers;
  if (!endpoint.pairing_token().empty()) request.fields.emplace_back(kPairingField, endpoint.pairing_token());
  return request;
}

void make_healthy(Endpoint& endpoint) {
  endpoint.clear(Obstacle::kUnchecked);
  endpoint.clear(Obstacle::kUnhealthy);
}

}  // namespace

// All endpoints that are checked. Each is at rest (its timer runs), in line, or being asked:
//
//   in line -start()-> asked -settle()-> at rest -timer-> in line ...
class HealthChecker::Schedule {
 public:
  Schedule(EventLoop& loop, std::function<void(const HealthCheckResult&)> on_result)
      : loop_(loop), on_result_(std::move(on_result)), start_(loop, [this] { start(); }) {}

  void configure(std::vector<Target> targets);
  void look_again(const Membership& membership);

 private:
  struct Check {
    Check(Schedule& schedule, std::shared_ptr<Endpoint> checked, const Target& target)
        : endpoint(std::move(checked)),
          membership(target.membership.get()),
          options(target.options),
          tracker(options.initial),
          due(schedule.loop_, [this, &schedule] { schedule.enqueue(*this); }) {}
    std::shared_ptr<Endpoint> endpoint;
    const Membership* membership;
    HealthOptions options;
    HealthTracker tracker;
    Timer due;
    bool in_line = false;
    bool skipped = false;  // it did not serve when its time had come
    std::unique_ptr<Probe> probe;
  };

  void reconcile(const Target& target);
  void adopt(Check& check, const HealthOptions& options);
  void forget_if(const std::function<bool(const Check&)>& gone);
  void give_up(Check& check);
  void enqueue(Check& check);
  void start();
  void ask(Check& check);
  void rest(Check& check);
  void settle(Check& check, const Probe::Outcome& outcome);

  EventLoop& loop_;
  std::function<void(const HealthCheckResult&)> on_result_;
  std::vector<Target> targets_;
  std::map<const Endpoint*, std::unique_ptr<Check>> checks_;
  std::deque<Check*> line_;
  std::size_t asked_ = 0;
  Waker start_;
};

void HealthChecker::Schedule::configure(std::vector<Target> targets) {
  std::erase_if(targets, [](const Target& target) { return target.options.path.empty(); });
  targets_ = std::move(targets);
  forget_if([this](const Check& check) {
    return std::ranges::none_of(targets_, [&](const Target& t) { return t.membership.get() == check.membership; });
  });
  for (const Target& target : targets_) reconcile(target);
}

void HealthChecker::Schedule::look_again(const Membership& membership) {
  for (const Target& target : targets_) {
    if (target.membership.get() == &membership) reconcile(target);
  }
}

void HealthChecker::Schedule::reconcile(const Target& target) {
  const std::shared_ptr<const EndpointSet> set = target.membership->set();
  forget_if([&](const Check& check) {
    return check.membership == target.membership.get() &&
           std::ranges::none_of(set->members, [&](const auto& m) { return m.endpoint == check.endpoint; });
  });
  for (const EndpointSet::Member& member : set->members) {
    std::unique_ptr<Check>& check = checks_[member.endpoint.get()];
    if (check) {
      adopt(*check, target.options);
      continue;
    }
    check = std::make_unique<Check>(*this, member.endpoint, target);
    if (!check->tracker.healthy()) member.endpoint->set(Obstacle::kUnchecked);
    enqueue(*check);
  }
}

// Other options count from now on: the health stays what it is until a check by them says otherwise.
void HealthChecker::Schedule::adopt(Check& check, const HealthOptions& options) {
  const bool serves_again = check.skipped && !check.endpoint->has(Obstacle::kNotServing);
  if (check.options == options && !serves_again) return;
  check.options = options;
  give_up(check);
  enqueue(check);
}

void HealthChecker::Schedule::forget_if(const std::function<bool(const Check&)>& gone) {
  std::erase_if(checks_, [&](auto& entry) {
    const std::unique_ptr<Check>& check = entry.second;
    if (!gone(*check)) return false;
    give_up(*check);
    std::erase(line_, check.get());
    make_healthy(*check->endpoint);
    return true;
  });
  start_.wake();  // there may be room for others
}

// At once: it must not call any more. (It is not its call that leads here: a check has no probe when it tells.)
void HealthChecker::Schedule::give_up(Check& check) {
  if (!check.probe) return;
  check.probe.reset();
  --asked_;
}

void HealthChecker::Schedule::enqueue(Check& check) {
  check.due.disarm();
  if (!std::exchange(check.in_line, true)) line_.push_back(&check);
  start_.wake();
}

void HealthChecker::Schedule::start() {
  while (!line_.empty() && asked_ < kAtOnce) {
    Check& check = *line_.front();
    line_.pop_front();
    check.in_line = false;
    ask(check);
  }
}

// An app that has been stopped is not woken by us, and one that is going is not judged.
void HealthChecker::Schedule::ask(Check& check) {
  check.skipped = check.endpoint->has(Obstacle::kNotServing);
  if (check.skipped) {
    rest(check);
    return;
  }
  ++asked_;
  check.probe = std::make_unique<Probe>(loop_, request_of(check.endpoint, check.options),
                                        [this, &check](Probe::Outcome outcome) { settle(check, outcome); });
}

void HealthChecker::Schedule::rest(Check& check) {
  check.due.arm(with_jitter(check.options.interval));
}

void HealthChecker::Schedule::settle(Check& check, const Probe::Outcome& outcome) {
  loop_.retire(std::move(check.probe));  // this is its call
  --asked_;
  rest(check);
  start_.wake();
  if (check.endpoint->has(Obstacle::kNotServing)) return;
  HealthCheckResult result{
      .endpoint = check.endpoint, .passed = false, .responded = outcome.has_value(), .why = {}, .changed = false};
  result.judged = outcome || outcome.error() != Fault::kOutOfResources;
  if (!result.judged) {
    on_result_(result);
    return;
  }
  if (!outcome) {
    result.why = rule(outcome.error()).label;
  } else if (*outcome < check.options.expect_first || *outcome > check.options.expect_last) {
    result.why = std::format("status {}", *outcome);
  }
  result.passed = result.why.empty();
  result.changed = check.tracker.note(
      result.passed, {.unhealthy_after = check.options.unhealthy_after, .healthy_after = check.options.healthy_after});
  if (result.changed && result.passed) make_healthy(*check.endpoint);
  if (result.changed && !result.passed) check.endpoint->set(Obstacle::kUnhealthy);
  on_result_(result);
}

HealthChecker::HealthChecker(EventLoop& loop, std::function<void(const HealthCheckResult&)> on_result)
    : schedule_(std::make_unique<Schedule>(loop, std::move(on_result))) {}

HealthChecker::~HealthChecker() = default;

void HealthChecker::configure(std::vector<Target> targets) {
  schedule_->configure(std::move(targets));
}

void HealthChecker::look_again(const Membership& membership) {
  schedule_->look_again(membership);
}

}  // namespace gatehouse
