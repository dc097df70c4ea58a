#include "proxy/upstream/balancer.h"

#include <algorithm>
#include <cstdint>

#include "common/random.h"

namespace gatehouse {

namespace {

using Tried = std::span<const Endpoint* const>;

bool eligible(const Upstream& upstream, const Endpoint& endpoint, Tried tried) {
  return endpoint.available() && endpoint.has_place(upstream.options().max_requests) &&
         std::ranges::find(tried, &endpoint) == tried.end();
}

class RoundRobin final : public Balancer {
 public:
  std::shared_ptr<Endpoint> pick(const Upstream& upstream, Tried tried) const override {
    const Upstream::Endpoints& endpoints = upstream.endpoints();
    const std::size_t first = endpoints.size() > 1 ? upstream.next_turn() % endpoints.size() : 0;
    for (std::size_t i = 0; i < endpoints.size(); ++i) {
      const std::shared_ptr<Endpoint>& endpoint = endpoints[(first + i) % endpoints.size()];
      if (eligible(upstream, *endpoint, tried)) return endpoint;
    }
    return nullptr;
  }
};

// The less busy of two that were chosen at random: nearly as even as the least busy of all, without the herd that all
// workers together would be.
class LeastRequests final : public Balancer {
 public:
  std::shared_ptr<Endpoint> pick(const Upstream& upstream, Tried tried) const override {
    const Upstream::Endpoints& endpoints = upstream.endpoints();
    if (endpoints.size() == 1) return eligible(upstream, *endpoints[0], tried) ? endpoints[0] : nullptr;
    const std::size_t one = random_eligible(upstream, tried, kNone);
    if (one == kNone) return nullptr;
    const std::size_t other = random_eligible(upstream, tried, one);
    if (other == kNone || endpoints[one]->in_flight() <= endpoints[other]->in_flight()) return endpoints[one];
    return endpoints[other];
  }

 private:
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);
  static constexpr int kThrows = 4;

  // A few throws of the dice find one nearly always; if not, the eligible ones are counted.
  static std::size_t random_eligible(const Upstream& upstream, Tried tried, std::size_t except) {
    const Upstream::Endpoints& endpoints = upstream.endpoints();
    if (endpoints.empty()) return kNone;
    const auto fits = [&](std::size_t i) { return i != except && eligible(upstream, *endpoints[i], tried); };
    for (int i = 0; i < kThrows; ++i) {
      if (const std::size_t at = random::below(endpoints.size()); fits(at)) return at;
    }
    // Others change what is eligible meanwhile, so the second count may come out lower than the first.
    std::size_t count = 0;
    std::size_t last = kNone;
    for (std::size_t i = 0; i < endpoints.size(); ++i) count += fits(i) ? 1 : 0;
    if (count == 0) return kNone;
    std::size_t rank = random::below(count);
    for (std::size_t i = 0; i < endpoints.size(); ++i) {
      if (!fits(i)) continue;
      last = i;
      if (rank-- == 0) break;
    }
    return last;
  }
};

constexpr RoundRobin kRoundRobin;
constexpr LeastRequests kLeastRequests;

}  // namespace

const Balancer& Balancer::of(Balance kind) {
  if (kind == Balance::kRoundRobin) return kRoundRobin;
  return kLeastRequests;
}

}  // namespace gatehouse
