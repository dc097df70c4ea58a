#include "proxy/health/outlier.h"

#include <algorithm>
#include <utility>

#include "common/event_loop.h"
#include "common/timer.h"

namespace gatehouse {

namespace {

constexpr std::chrono::milliseconds kLongest = std::chrono::minutes(5);
constexpr std::chrono::minutes kForgotten{5};  // after the return of an endpoint that has behaved since

// How many of `count` endpoints may be out at once.
std::size_t most_ejected(std::size_t count, std::uint32_t percent) {
  if (count < 2) return 0;
  return std::clamp<std::size_t>(count * percent / 100, 1, count);
}

Duration term(std::chrono::milliseconds first, std::uint32_t times) {
  const std::chrono::milliseconds longest = std::max(first, kLongest);
  std::chrono::milliseconds out = first;
  for (std::uint32_t i = 1; i < times && out < longest; ++i) out *= 2;
  return std::min(out, longest);
}

}  // namespace

// One endpoint: out, then back but not yet forgotten.
struct OutlierDetector::Ejection {
  Ejection(OutlierDetector& detector, std::shared_ptr<Endpoint> ejected)
      : endpoint(std::move(ejected)), timer(detector.loop_, [this, &detector] { expire(detector); }) {}
  ~Ejection() {
    if (out) endpoint->clear(Obstacle::kEjected);
  }
  Ejection(const Ejection&) = delete;
  Ejection& operator=(const Ejection&) = delete;

  void expire(OutlierDetector& detector) {
    if (!std::exchange(out, false)) {
      std::erase_if(detector.ejections_, [this](const auto& one) { return one.get() == this; });
      return;
    }
    timer.arm(kForgotten);
    endpoint->count_anew();
    endpoint->clear(Obstacle::kEjected);
    detector.on_change_(*endpoint, false);
  }

  std::shared_ptr<Endpoint> endpoint;
  bool out = false;
  std::uint32_t times = 0;
  Timer timer;
};

OutlierDetector::OutlierDetector(EventLoop& loop, std::function<void(const Endpoint&, bool)> on_change)
    : loop_(loop), on_change_(std::move(on_change)) {}

OutlierDetector::~OutlierDetector() = default;

void OutlierDetector::keeps_failing(const Membership& membership, const std::shared_ptr<Endpoint>& endpoint,
                                    const OutlierOptions& options) {
  if (options.consecutive_failures == 0 || endpoint->has(Obstacle::kEjected)) return;
  const std::shared_ptr<const EndpointSet> set = membership.set();
  const auto& members = set->members;
  if (std::ranges::none_of(members, [&](const auto& m) { return m.endpoint == endpoint; })) return;
  const auto out = static_cast<std::size_t>(
      std::ranges::count_if(members, [](const auto& m) { return m.endpoint->has(Obstacle::kEjected); }));
  if (out >= most_ejected(members.size(), options.max_ejected)) return;
  // Some answers are better than none at all: the last one that is fit stays.
  if (std::ranges::none_of(members, [&](const auto& m) { return m.endpoint != endpoint && m.endpoint->available(); }))
    return;

  auto found = std::ranges::find_if(ejections_, [&](const auto& one) { return one->endpoint == endpoint; });
  if (found == ejections_.end())
    found = ejections_.insert(ejections_.end(), std::make_unique<Ejection>(*this, endpoint));
  Ejection& ejection = **found;
  ejection.out = true;
  ++ejection.times;
  ejection.timer.arm(term(options.eject_for, ejection.times));
  endpoint->set(Obstacle::kEjected);
  on_change_(*endpoint, true);
}

}  // namespace gatehouse
