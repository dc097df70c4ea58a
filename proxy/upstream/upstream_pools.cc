#include "proxy/upstream/upstream_pools.h"

#include <algorithm>
#include <cassert>
#include <chrono>
#include <cstring>
#include <utility>

#include "common/event_loop.h"
#include "common/log_limit.h"
#include "proxy/upstream/balancer.h"

namespace gatehouse {

namespace {

constexpr Duration kLostFor = std::chrono::milliseconds(100);
constinit log::Limited full("requests that wait for room for a connection");
constinit log::Limited exhausted("connections that this machine had no room for");

bool allowed_somewhere(const PickRequest& request) {
  return std::ranges::any_of(request.table->members(),
                             [&](const EndpointSet::Member& member) { return request.allows(*member.endpoint); });
}

// Nobody is well, not even one of those that were tried, and some are only doubted.
bool all_are_doubted(const BalanceTable& table) {
  return std::ranges::none_of(table.members(), [](const auto& member) { return member.endpoint->available(); }) &&
         std::ranges::any_of(table.members(), [](const auto& member) { return member.endpoint->usable_in_panic(); });
}

bool is_panic(const Upstream& upstream, const BalanceTable& table) {
  return upstream.options().when_all_unhealthy == WhenAllUnhealthy::kTry && all_are_doubted(table);
}

// No endpoint is on its way, though those of an app are waited for in general: they are there, and are not to be used.
bool refuses_the_doubted(const PickRequest& request) {
  return request.upstream->options().when_all_unhealthy == WhenAllUnhealthy::kRefuse && all_are_doubted(*request.table);
}

// Why nothing fits; in a panic it may be different, which the caller sees to.
NoPermit why_none(const PickRequest& request) {
  if (allowed_somewhere(request)) return NoPermit::kTaken;
  if (!request.tried.empty()) {
    PickRequest untried = request;
    untried.tried = {};
    if (allowed_somewhere(untried)) return NoPermit::kTried;
  }
  const bool waits = request.table->set().when_none == EndpointSet::WhenNone::kWait && !refuses_the_doubted(request);
  return waits ? NoPermit::kComing : NoPermit::kRefused;
}

}  // namespace

UpstreamPools::UpstreamPools(EventLoop& loop, UpstreamCounting counting, std::shared_ptr<DescriptorBudget> descriptors)
    : loop_(loop),
      counting_(std::move(counting)),
      lost_timer_(loop, [this] { find_lost_again(); }),
      descriptors_(descriptors ? std::move(descriptors) : std::make_shared<DescriptorBudget>()),
      look_(loop, [this] { look_for_room(); }) {
  shortage_.mailbox = std::make_shared<DescriptorBudget::Mailbox>(loop, [this] { on_told(); });
  descriptors_->join(shortage_.mailbox);
}

UpstreamPools::~UpstreamPools() {
  assert(lines_.empty());
  descriptors_->leave(shortage_.mailbox);
  shortage_.mailbox->told = nullptr;
  for (const Lost& each : lost_) each.endpoint->clear(Obstacle::kLost);
}

// ---- what is known of upstreams

void UpstreamPools::adopt(std::span<const UpstreamPtr> upstreams) {
  adopted_ = true;
  std::erase_if(standings_,
                [&](const auto& entry) { return !std::ranges::contains(upstreams, entry.second.upstream); });
  for (const UpstreamPtr& upstream : upstreams) standing(upstream);
  retire_pools();
}

void UpstreamPools::refresh() {
  bool changed = false;
  for (auto& [key, standing] : standings_) changed = update(standing) || changed;
  if (changed) retire_pools();
}

UpstreamPools::Standing& UpstreamPools::standing(const UpstreamPtr& upstream) {
  const auto found = standings_.find(upstream.get());
  if (found != standings_.end()) {
    if (update(found->second)) retire_pools();
    return found->second;
  }
  // An exchange of an older snapshot may be the one that asks: then this stays until the next one is adopted.
  Standing& fresh = standings_[upstream.get()];
  fresh.upstream = upstream;
  fresh.counters = &counting_.upstream(upstream->name());
  fresh.share = descriptors_->share(upstream->name());
  update(fresh);
  return fresh;
}

// The version first: a set that is newer than it is only looked at once more.
bool UpstreamPools::update(Standing& standing) {
  const Upstream& upstream = *standing.upstream;
  const std::uint64_t version = upstream.membership().version();
  if (version == standing.version) return false;
  standing.version = version;
  standing.table =
      std::make_unique<const BalanceTable>(upstream.membership().set(), upstream.name(), upstream.options());
  return true;
}

void UpstreamPools::retire_pools() {
  if (!adopted_) return;
  current_.clear();
  for (const auto& [key, standing] : standings_) {
    for (const EndpointSet::Member& member : standing.table->members()) current_.insert(member.endpoint.get());
  }
  for (auto next = pools_.begin(); next != pools_.end();) {
    Pool& pool = *next++->second;  // forget() erases
    pool.set_current(current(*pool.endpoint()));
    if (pool.current()) continue;
    pool.close_idle();
    pool.close_private();
    if (pool.leased() == 0) forget(pool);
  }
}

std::shared_ptr<const EndpointSet> UpstreamPools::set_of(const UpstreamPtr& upstream) {
  return standing(upstream).table->shared_set();
}

bool UpstreamPools::is_member(const UpstreamPtr& upstream, const Endpoint& endpoint) {
  return standing(upstream).table->contains(endpoint);
}

std::string_view UpstreamPools::new_cookie(const UpstreamPtr& upstream, const Endpoint& endpoint,
                                           std::string_view sent) {
  const BalanceTable& table = *standing(upstream).table;
  const EndpointSet::Member* named = sent.empty() ? nullptr : table.named_by(sent);
  // One that was merely full keeps its clients.
  if (named != nullptr && (named->endpoint.get() == &endpoint || named->endpoint->available())) return {};
  return table.cookie_of(endpoint);
}

RetryBudget& UpstreamPools::budget(const UpstreamPtr& upstream) {
  return standing(upstream).budget;
}

UpstreamCounters& UpstreamPools::counters(const UpstreamPtr& upstream) {
  return *standing(upstream).counters;
}

// ---- permits

std::expected<Permit, NoPermit> UpstreamPools::take_permit(const UpstreamPtr& upstream, const PickRequest& request) {
  Standing& known = standing(upstream);
  if (request.tried.empty()) known.budget.on_request();
  // Whatever is free has been promised to those who came before.
  if (upstream->waiting() > 0) return std::unexpected(NoPermit::kTaken);
  std::expected<Permit, NoPermit> permit = pick_permit(known, request);
  if (!permit && permit.error() == NoPermit::kNoRoom) note_short(known);
  return permit;
}

std::expected<Permit, NoPermit> UpstreamPools::pick_permit(Standing& known, PickRequest request) {
  const Upstream& upstream = *known.upstream;
  const std::uint32_t limit = upstream.options().max_requests;
  request.table = known.table.get();
  request.upstream = &upstream;
  request.now = loop_.now();
  if (request.own != nullptr && known.table->contains(**request.own) && request.fits(**request.own)) {
    if (std::optional<Permit> permit = Permit::take(*request.own, limit)) return *std::move(permit);
  }
  if (!request.cookie.empty()) {
    const EndpointSet::Member* named = known.table->named_by(request.cookie);
    if (named != nullptr && request.fits(*named->endpoint) && has_room(known, *named->endpoint)) {
      if (std::optional<Permit> permit = Permit::take(named->endpoint, limit)) return *std::move(permit);
    }
  }
  const Balancer& balancer = Balancer::of(upstream.options().balance);
  const EndpointSet::Member* member = balancer.pick(request);
  if (member == nullptr && is_panic(upstream, *known.table)) {
    request.panic = true;
    member = balancer.pick(request);
    if (member != nullptr) known.counters->panics.add();
  }
  if (member != nullptr && !has_room(known, *member->endpoint)) {
    member = with_connection(request);
    if (member == nullptr) return std::unexpected(NoPermit::kNoRoom);
  }
  // Another worker may have taken the last permit between the choice and this.
  for (; member != nullptr; member = balancer.pick(request)) {
    if (std::optional<Permit> permit = Permit::take(member->endpoint, limit)) return *std::move(permit);
  }
  return std::unexpected(why_none(request));
}

NoPermit UpstreamPools::outlook(const UpstreamPtr& upstream) {
  const BalanceTable& table = *standing(upstream).table;
  return why_none({.table = &table, .upstream = upstream.get(), .panic = is_panic(*upstream, table)});
}

bool UpstreamPools::wait(const UpstreamPtr& upstream, PoolWaiter& waiter) {
  if (!upstream->begin_wait()) return false;
  std::unique_ptr<WaitingLine>& line = lines_[upstream.get()];
  if (line == nullptr) line = std::make_unique<WaitingLine>(*this, upstream);
  line->join(waiter);
  return true;
}

// One that is not available anyway needs no obstacle of ours, which somebody else might have to clear.
void UpstreamPools::lost(const UpstreamPtr& upstream, const std::shared_ptr<Endpoint>& endpoint) {
  if (endpoint->has(Obstacle::kLost) || endpoint->has(Obstacle::kNotServing)) return;
  endpoint->set(Obstacle::kLost);
  lost_.push_back({.endpoint = endpoint, .until = loop_.now() + kLostFor});
  if (!lost_timer_.armed()) lost_timer_.arm_at(lost_.front().until);
  upstream->membership().lost(endpoint);
}

void UpstreamPools::find_lost_again() {
  const MonotonicTime now = loop_.now();
  while (!lost_.empty() && lost_.front().until <= now) {
    lost_.front().endpoint->clear(Obstacle::kLost);
    lost_.erase(lost_.begin());
  }
  if (!lost_.empty()) lost_timer_.arm_at(lost_.front().until);
}

// ---- room for connections

bool UpstreamPools::has_idle(const Endpoint& endpoint) const {
  const auto found = pools_.find(&endpoint);
  return found != pools_.end() && found->second->idle() > 0;
}

// Where no other can be opened, whoever has a connection is as good as who was chosen.
const EndpointSet::Member* UpstreamPools::with_connection(const PickRequest& request) {
  const auto& members = request.table->members();
  const auto found = std::ranges::find_if(members, [&](const EndpointSet::Member& member) {
    return request.fits(*member.endpoint) && has_idle(*member.endpoint);
  });
  return found == members.end() ? nullptr : &*found;
}

bool UpstreamPools::has_room(const Standing& known, const Endpoint& endpoint) {
  if (descriptors_->has_room(*known.share) || has_idle(endpoint)) return true;
  while (!descriptors_->has_room(*known.share)) {
    if (!close_longest_idle()) return false;
  }
  return true;
}

bool UpstreamPools::close_longest_idle() {
  Pool* longest = nullptr;
  for (const auto& [endpoint, pool] : pools_) {
    if (pool->idle() == 0) continue;
    if (longest == nullptr || pool->longest_idle() > longest->longest_idle()) longest = pool.get();
  }
  if (longest == nullptr) return close_longest_private();
  longest->close_longest_idle();
  return true;
}

// Only where nobody's is left: these cost their clients another authentication.
bool UpstreamPools::close_longest_private() {
  Pool* longest = nullptr;
  for (const auto& [endpoint, pool] : pools_) {
    if (pool->resting() == 0) continue;
    if (longest == nullptr || pool->longest_private() > longest->longest_private()) longest = pool.get();
  }
  if (longest == nullptr) return false;
  longest->close_longest_private();
  return true;
}

void UpstreamPools::note_short(const Standing& known) {
  known.counters->short_of_room.add();
  full.warn(
      "no room for another connection to {}: {} connections to endpoints are open, and the process may have {}; "
      "requests wait (ulimit -n, LimitNOFILE= of the service)",
      known.upstream->name(), descriptors_->open(), descriptors_->limit());
}

void UpstreamPools::note_out_of_resources(const Endpoint& endpoint, int error) {
  exhausted.warn("this machine has no descriptor, port or memory for a connection to {} of {}: {}", endpoint.name(),
                 endpoint.upstream(), std::strerror(error));
}

// A connection that others have asked for goes rather than rests, once for each time that they have asked.
bool UpstreamPools::gives_up_connection() {
  return std::exchange(shortage_.owes, false) && descriptors_->wanting() > shortage_.lines;
}

void UpstreamPools::connection_is_idle() {
  if (shortage_.lines > 0) look_.wake();
}

void UpstreamPools::line_wants_room(bool wants) {
  if (wants) {
    ++shortage_.lines;
    descriptors_->wants_room();
  } else {
    --shortage_.lines;
    descriptors_->wants_no_more();
  }
}

void UpstreamPools::on_told() {
  if (descriptors_->wanting() > shortage_.lines && !close_longest_idle()) shortage_.owes = true;
  look_for_room();
}

// Lines that end meanwhile stay until the end of the turn.
void UpstreamPools::look_for_room() {
  if (shortage_.lines == 0) return;
  std::vector<WaitingLine*> wanting;
  for (const auto& [upstream, line] : lines_) {
    if (line->wants_room()) wanting.push_back(line.get());
  }
  for (WaitingLine* line : wanting) {
    if (line->wants_room()) line->look_for_permits();
  }
}

// ---- connections

void UpstreamPools::close_idle() {
  for (auto& [endpoint, pool] : pools_) pool->close_idle();
}

Lease UpstreamPools::acquire(Permit permit, const PoolOptions& options, Pool::Kind kind) {
  const std::shared_ptr<Endpoint>& endpoint = permit.endpoint();
  std::unique_ptr<Pool>& pool = pools_[endpoint.get()];
  if (pool == nullptr) {
    pool = std::make_unique<Pool>(*this, endpoint, counting_.endpoint(*endpoint));
    pool->set_current(current(*endpoint));
  }
  pool->set_options(options);
  return pool->acquire(std::move(permit), kind);
}

void UpstreamPools::forget(Pool& pool) {
  const auto found = pools_.find(pool.endpoint().get());
  loop_.retire(std::move(found->second));
  pools_.erase(found);
}

void UpstreamPools::forget(WaitingLine& line) {
  const auto found = std::ranges::find(lines_, &line, [](const auto& entry) { return entry.second.get(); });
  loop_.retire(std::move(found->second));
  lines_.erase(found);
}

}  // namespace gatehouse
