#include "proxy/upstream/balance_table.h"

#include <algorithm>
#include <cassert>
#include <format>
#include <numeric>
#include <utility>

#include "common/crypto/mac.h"
#include "common/crypto/random.h"
#include "proxy/upstream/hashing.h"

namespace gatehouse {

namespace {

constexpr std::uint64_t kMostTurns = 4096;
constexpr std::uint64_t kPointsPerMember = 160;

// The name that stays when an app's process is replaced, so that its keys and cookies stay too.
const std::string& lasting_name(const EndpointSet::Member& member) {
  return member.affinity.empty() ? member.endpoint->name() : member.affinity;
}

}  // namespace

BalanceTable::BalanceTable(std::shared_ptr<const EndpointSet> set, const std::string& upstream,
                           const UpstreamOptions& options)
    : set_(std::move(set)) {
  for (const Member& member : members()) {
    total_weight_ += member.weight;
    even_ = even_ && member.weight == members().front().weight;
  }
  if (!even_) {
    std::uint64_t sum = 0;
    for (const Member& member : members()) sums_.push_back(sum += member.weight);
  }
  if (options.balance == Balance::kRoundRobin) make_turns();
  if (options.balance == Balance::kHash) make_ring();
  if (!options.sticky_cookie.empty()) make_cookies(upstream, options);
}

std::size_t BalanceTable::draw() const {
  assert(!members().empty());
  if (even_) return random::below(members().size());
  return static_cast<std::size_t>(std::ranges::upper_bound(sums_, random::below(total_weight_)) - sums_.begin());
}

// Each turn goes to who is owed most; then everybody is owed their share of it more.
void BalanceTable::make_turns() {
  std::uint64_t divisor = 0;
  for (const Member& member : members()) divisor = std::gcd(divisor, std::uint64_t{member.weight});
  if (divisor == 0) return;
  divisor = std::max(divisor, total_weight_ / kMostTurns + 1);
  std::vector<std::int64_t> shares;
  for (const Member& member : members()) {
    shares.push_back(static_cast<std::int64_t>(std::max<std::uint64_t>(member.weight / divisor, 1)));
  }
  const std::int64_t round = std::accumulate(shares.begin(), shares.end(), std::int64_t{0});
  std::vector<std::int64_t> owed(shares.size(), 0);
  for (std::int64_t turn = 0; turn < round; ++turn) {
    for (std::size_t i = 0; i < owed.size(); ++i) owed[i] += shares[i];
    const auto most = std::ranges::max_element(owed);
    *most -= round;
    turns_.push_back(static_cast<std::uint32_t>(most - owed.begin()));
  }
}

void BalanceTable::make_ring() {
  for (std::size_t i = 0; i < members().size(); ++i) {
    const Member& member = members()[i];
    const std::uint64_t points =
        std::max<std::uint64_t>(1, kPointsPerMember * members().size() * member.weight / total_weight_);
    const std::uint64_t name = hashing::of(lasting_name(member));
    for (std::uint64_t n = 0; n < points; ++n) {
      ring_.push_back(
          {.at = hashing::mixed(name + n * 0x9e3779b97f4a7c15ULL), .member = static_cast<std::uint32_t>(i)});
    }
  }
  std::ranges::sort(ring_, {}, &Point::at);
}

// A keyed id is signature and name in one: whoever has no key can neither make it nor tell an address from it.
void BalanceTable::make_cookies(const std::string& upstream, const UpstreamOptions& options) {
  for (const Member& member : members()) {
    cookies_.push_back(mac::sign(options.affinity_key, std::format("{}\n{}", upstream, lasting_name(member))));
  }
}

std::string_view BalanceTable::cookie_of(const Endpoint& endpoint) const {
  for (std::size_t i = 0; i < cookies_.size(); ++i) {
    if (members()[i].endpoint.get() == &endpoint) return cookies_[i];
  }
  return {};
}

const BalanceTable::Member* BalanceTable::named_by(std::string_view cookie) const {
  for (std::size_t i = 0; i < cookies_.size(); ++i) {
    if (mac::equal(cookies_[i], cookie)) return &members()[i];
  }
  return nullptr;
}

bool BalanceTable::contains(const Endpoint& endpoint) const {
  return std::ranges::any_of(members(), [&](const Member& member) { return member.endpoint.get() == &endpoint; });
}

}  // namespace gatehouse
