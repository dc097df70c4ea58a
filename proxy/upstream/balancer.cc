#include "proxy/upstream/balancer.h"

#include <algorithm>
#include <chrono>
#include <cstddef>

#include "common/crypto/random.h"

namespace gatehouse {

namespace {

using Member = EndpointSet::Member;

constexpr std::size_t kNone = static_cast<std::size_t>(-1);
constexpr int kThrows = 4;
constexpr std::uint64_t kFull = 1024;    // the share of an endpoint that has been available for long enough
constexpr double kLoadBound = 1.25;      // of its fair share: what an endpoint gets for its keys
constexpr std::uint32_t kLightLoad = 8;  // in flight: nobody is sent elsewhere for so little

// Of kFull: what an endpoint gets of its weight while it starts slowly, never nothing.
std::uint64_t share_of(const PickRequest& request, const Endpoint& endpoint) {
  const Duration slow_start = request.upstream->options().slow_start;
  if (slow_start <= Duration::zero()) return kFull;
  const MonotonicTime since = endpoint.available_since();
  if (since == MonotonicTime{} || request.now - since >= slow_start) return kFull;
  const Duration passed = std::max(request.now - since, Duration::zero());
  const double part = static_cast<double>(passed.count()) / static_cast<double>(slow_start.count());
  return std::max(kFull / 10, static_cast<std::uint64_t>(part * static_cast<double>(kFull)));
}

// By chance, as often as its share says.
bool has_its_turn(const PickRequest& request, const Endpoint& endpoint) {
  const std::uint64_t share = share_of(request, endpoint);
  return share == kFull || random::below(kFull) < share;
}

std::uint64_t weight_now(const PickRequest& request, const Member& member) {
  return member.weight * share_of(request, *member.endpoint);
}

// By chance among those that fit, as often as their weights say. A few throws of the dice find one nearly always; if
// not, the fit ones are counted.
std::size_t draw(const PickRequest& request, std::size_t except = kNone) {
  const auto& members = request.table->members();
  if (members.empty()) return kNone;
  const auto fits = [&](std::size_t i) { return i != except && request.fits(*members[i].endpoint); };
  for (int i = 0; i < kThrows; ++i) {
    const std::size_t at = request.table->draw();
    if (fits(at) && has_its_turn(request, *members[at].endpoint)) return at;
  }
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < members.size(); ++i) sum += fits(i) ? weight_now(request, members[i]) : 0;
  if (sum == 0) return kNone;
  // Others change what fits meanwhile, so the second sum may come out lower than the first.
  std::uint64_t rank = random::below(sum);
  std::size_t last = kNone;
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (!fits(i)) continue;
    last = i;
    const std::uint64_t weight = weight_now(request, members[i]);
    if (rank < weight) break;
    rank -= weight;
  }
  return last;
}

const Member* member_at(const PickRequest& request, std::size_t index) {
  return index == kNone ? nullptr : &request.table->members()[index];
}

class RoundRobin final : public Balancer {
 public:
  // A turn whose endpoint does not fit is not given to the next in line, who would have twice as many: another is
  // drawn.
  const Member* pick(const PickRequest& request) const override {
    const auto& members = request.table->members();
    const auto& turns = request.table->turns();
    if (turns.size() < 2) return !members.empty() && request.fits(*members[0].endpoint) ? members.data() : nullptr;
    for (std::size_t i = 0; i < turns.size(); ++i) {
      const Member& member = members[turns[request.upstream->next_turn() % turns.size()]];
      if (request.fits(*member.endpoint) && has_its_turn(request, *member.endpoint)) return &member;
    }
    const auto any =
        std::ranges::find_if(members, [&](const Member& member) { return request.fits(*member.endpoint); });
    return any == members.end() ? nullptr : &*any;
  }
};

// Whether so much of what it answers are errors that its load is not to be believed this time: who fails at once has
// nothing in flight, and would be sent everything.
bool idles_by_errors(const Endpoint& endpoint) {
  const std::uint32_t share = endpoint.error_share();
  return share != 0 && random::below(Endpoint::kAllErrors) < share;
}

// The less busy of two that were chosen at random: nearly as even as the least busy of all, without the herd that all
// workers together would be. As far as the less busy one's answers are errors, weight and chance decide instead: it
// gets its fair share, so that it is seen when it is well again, and no more.
class LeastRequests final : public Balancer {
 public:
  const Member* pick(const PickRequest& request) const override {
    const auto& members = request.table->members();
    if (members.size() == 1) return request.fits(*members[0].endpoint) ? members.data() : nullptr;
    const std::size_t one = draw(request);
    if (one == kNone) return nullptr;
    const std::size_t other = draw(request, one);
    if (other == kNone) return &members[one];
    const std::uint64_t weight_of_one = weight_now(request, members[one]);
    const std::uint64_t weight_of_other = weight_now(request, members[other]);
    const std::uint64_t load_of_one = members[one].endpoint->in_flight() * weight_of_other;
    const std::uint64_t load_of_other = members[other].endpoint->in_flight() * weight_of_one;
    const std::size_t less = load_of_one <= load_of_other ? one : other;
    if (!idles_by_errors(*members[less].endpoint)) return &members[less];
    return random::below(weight_of_one + weight_of_other) < weight_of_one ? &members[one] : &members[other];
  }
};

class Random final : public Balancer {
 public:
  const Member* pick(const PickRequest& request) const override { return member_at(request, draw(request)); }
};

// Consistent: a key stays where it is but for the keys of an endpoint that comes or goes. Bounded: an endpoint that has
// more than its share of what is in flight passes keys on to the next on the ring.
class Hash final : public Balancer {
 public:
  const Member* pick(const PickRequest& request) const override {
    const auto& ring = request.table->ring();
    if (!request.key || ring.empty()) return member_at(request, draw(request));
    const double load = load_per_weight(request);
    const auto first = std::ranges::lower_bound(ring, *request.key, {}, &BalanceTable::Point::at);
    const auto start = static_cast<std::size_t>(first - ring.begin());
    const Member* fit = nullptr;
    for (std::size_t i = 0; i < ring.size(); ++i) {
      const Member& member = request.table->members()[ring[(start + i) % ring.size()].member];
      if (!request.fits(*member.endpoint)) continue;
      const std::uint32_t in_flight = member.endpoint->in_flight();
      if (in_flight < kLightLoad || in_flight < load * member.weight) return &member;
      if (fit == nullptr) fit = &member;
    }
    return fit;
  }

 private:
  // How much may be in flight for each unit of weight, this request included.
  static double load_per_weight(const PickRequest& request) {
    std::uint64_t in_flight = 1;
    std::uint64_t weight = 0;
    for (const Member& member : request.table->members()) {
      if (!request.allows(*member.endpoint)) continue;
      in_flight += member.endpoint->in_flight();
      weight += member.weight;
    }
    return weight == 0 ? 0 : kLoadBound * static_cast<double>(in_flight) / static_cast<double>(weight);
  }
};

constexpr RoundRobin kRoundRobin;
constexpr LeastRequests kLeastRequests;
constexpr Random kRandom;
constexpr Hash kHash;

}  // namespace

const Balancer& Balancer::of(Balance kind) {
  switch (kind) {
    case Balance::kRoundRobin:
      return kRoundRobin;
    case Balance::kLeastRequests:
      return kLeastRequests;
    case Balance::kRandom:
      return kRandom;
    case Balance::kHash:
      return kHash;
  }
  return kLeastRequests;
}

}  // namespace gatehouse
