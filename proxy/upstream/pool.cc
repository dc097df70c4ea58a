#include "proxy/upstream/pool.h"

#include <algorithm>
#include <cassert>
#include <chrono>
#include <utility>

#include "common/event_loop.h"
#include "common/log_limit.h"
#include "proxy/upstream/private_connections.h"
#include "proxy/upstream/upstream_pools.h"

namespace gatehouse {

namespace {

// Beyond max_idle: long enough for those who use many connections in bursts, as h2 and h3 clients do.
constexpr Duration kSurplusIdle = std::chrono::seconds(1);
constexpr Duration kShortestLearned = std::chrono::seconds(2);
constexpr Duration kSameAge = std::chrono::milliseconds(500);
constexpr Duration kLearnedMargin = std::chrono::seconds(1);
constexpr Duration kLearnedFor = std::chrono::minutes(10);
constinit log::Limited extra_bytes("endpoints that sent more than their answers");

}  // namespace

// ---- Lease

Lease::Lease(Pool& pool, std::unique_ptr<UpstreamConnection> connection, Permit permit)
    : pool_(&pool), connection_(std::move(connection)), permit_(std::move(permit)) {}

Lease::Lease(Lease&& other) noexcept
    : pool_(std::exchange(other.pool_, nullptr)),
      connection_(std::move(other.connection_)),
      permit_(std::move(other.permit_)) {}

Lease::~Lease() {
  if (pool_ != nullptr) pool_->discard(std::move(connection_));
}

EndpointCounters& Lease::counters() {
  return pool_->counters_;
}

void Lease::put_back() {
  assert(pool_ != nullptr);
  std::exchange(pool_, nullptr)->put_back(std::move(connection_));
  const Permit given_back = std::move(permit_);
}

std::unique_ptr<PrivateConnection> Lease::keep_private() {
  assert(pool_ != nullptr);
  const Permit given_back = std::move(permit_);
  return std::exchange(pool_, nullptr)->keep_private(std::move(connection_));
}

Permit Lease::give_up() {
  assert(pool_ != nullptr);
  Permit permit = std::move(permit_);
  std::exchange(pool_, nullptr)->discard(std::move(connection_));
  return permit;
}

// ---- Pool

Pool::Pool(UpstreamPools& owner, std::shared_ptr<Endpoint> endpoint, EndpointCounters& counters)
    : owner_(owner),
      endpoint_(std::move(endpoint)),
      counters_(counters),
      share_(owner.descriptors()->share(endpoint_->upstream())) {}

Pool::~Pool() {
  assert(leased_ == 0);
  while (!private_.empty()) release(*private_.back());
  counters_.connections_idle.subtract(idle_.size());
}

Lease Pool::acquire(Permit permit, Kind kind) {
  assert(permit.endpoint() == endpoint_);
  std::unique_ptr<UpstreamConnection> connection;
  if (kind == Kind::kAny && !idle_.empty()) {
    connection = std::move(idle_.back());
    idle_.pop_back();
    counters_.connections_idle.subtract();
  } else {
    connection = std::make_unique<UpstreamConnection>(
        owner_.loop(), endpoint_,
        [this](UpstreamConnection& idle, UpstreamConnection::IdleEnd end) { drop_idle(idle, end); },
        DescriptorBudget::take(owner_.descriptors(), share_));
  }
  ++leased_;
  counters_.connections_active.add();
  return {*this, std::move(connection), std::move(permit)};
}

Lease Pool::resume(PrivateConnection& connection, Permit permit) {
  assert(permit.endpoint() == endpoint_);
  ++leased_;
  counters_.connections_active.add();
  return {*this, release(connection), std::move(permit)};
}

void Pool::close_idle() {
  counters_.connections_idle.subtract(idle_.size());
  for (std::unique_ptr<UpstreamConnection>& connection : std::exchange(idle_, {})) close(std::move(connection));
}

void Pool::close_longest_idle() {
  counters_.connections_idle.subtract();
  counters_.closed_for_room.add();
  const std::unique_ptr<UpstreamConnection> closed = std::move(idle_.front());
  idle_.erase(idle_.begin());
}

void Pool::close_private() {
  while (!private_.empty()) close(*private_.back());
}

// The list is short, and asked rarely.
void Pool::close_longest_private() {
  counters_.closed_for_room.add();
  const auto closed = release(**std::ranges::max_element(
      private_, {}, [](const PrivateConnection* each) { return each->connection_->idle_for(); }));
}

Duration Pool::longest_private() const {
  Duration longest{};
  for (const PrivateConnection* each : private_) longest = std::max(longest, each->connection_->idle_for());
  return longest;
}

void Pool::close(PrivateConnection& connection) {
  close(release(connection));
}

std::unique_ptr<UpstreamConnection> Pool::release(PrivateConnection& connection) {
  counters_.connections_private.subtract();
  std::erase(private_, &connection);
  connection.pool_ = nullptr;
  return std::move(connection.connection_);
}

std::unique_ptr<PrivateConnection> Pool::keep_private(std::unique_ptr<UpstreamConnection> connection) {
  counters_.connections_active.subtract();
  std::unique_ptr<PrivateConnection> kept;
  if (!current_) {
    close(std::move(connection));
  } else if (owner_.gives_up_connection()) {
    counters_.closed_for_room.add();
    close(std::move(connection));
  } else {
    counters_.connections_private.add();
    connection->rest(idle_limit());
    kept = std::make_unique<PrivateConnection>(*this, std::move(connection));
    private_.push_back(kept.get());
    owner_.connection_is_idle();
  }
  end_lease();
  return kept;
}

void Pool::put_back(std::unique_ptr<UpstreamConnection> connection) {
  counters_.connections_active.subtract();
  if (options_.max_idle == 0 || !current_) {
    close(std::move(connection));
  } else if (owner_.gives_up_connection()) {
    counters_.closed_for_room.add();
    close(std::move(connection));
  } else {
    const bool surplus = idle_.size() >= options_.max_idle;
    counters_.connections_idle.add();
    connection->rest(surplus ? std::min(kSurplusIdle, idle_limit()) : idle_limit());
    idle_.push_back(std::move(connection));
    owner_.connection_is_idle();
  }
  end_lease();
}

void Pool::discard(std::unique_ptr<UpstreamConnection> connection) {
  counters_.connections_active.subtract();
  close(std::move(connection));
  end_lease();
}

void Pool::end_lease() {
  --leased_;
  if (leased_ == 0 && !current_) owner_.forget(*this);
}

// At the end of the turn, because this may have been called by the connection itself.
void Pool::close(std::unique_ptr<UpstreamConnection> connection) {
  if (connection->has_extra_bytes()) note_extra_bytes();
  connection->abandon();
  owner_.loop().retire(std::move(connection));
}

void Pool::drop_idle(UpstreamConnection& connection, UpstreamConnection::IdleEnd end) {
  if (end == UpstreamConnection::IdleEnd::kClosed) learn_from_close(connection.idle_for());
  const auto found = std::ranges::find(idle_, &connection, &std::unique_ptr<UpstreamConnection>::get);
  if (found == idle_.end()) {
    const auto is_it = [&](const PrivateConnection* each) { return each->connection_.get() == &connection; };
    return close(**std::ranges::find_if(private_, is_it));
  }
  counters_.connections_idle.subtract();
  close(std::move(*found));
  idle_.erase(found);
}

void Pool::note_extra_bytes() {
  counters_.extra_bytes.add();
  extra_bytes.info("upstream_extra_bytes: {} of {} sent more than its answers; the connection is closed",
                   endpoint_->name(), endpoint_->upstream());
}

// A single close may be a restart; two of the same age are a timeout, and we had better be earlier than the third.
void Pool::learn_from_close(Duration idle_for) {
  const Duration before = std::exchange(learned_.last_close, idle_for);
  if (idle_for < kShortestLearned || std::chrono::abs(idle_for - before) > kSameAge) return;
  learned_.limit = idle_for - kLearnedMargin;
  learned_.until = owner_.loop().now() + kLearnedFor;
}

Duration Pool::idle_limit() const {
  if (owner_.loop().now() >= learned_.until) return options_.idle_timeout;
  return std::min<Duration>(options_.idle_timeout, learned_.limit);
}

}  // namespace gatehouse
