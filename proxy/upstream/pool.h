// The connections of one worker to one endpoint: those idle, most recently used first, and the leases of those in use.
// UpstreamPools is all that one worker has of upstreams: the pools, found by endpoint and kept over reloads, and the
// waiting lines. Owned by its worker, outlives its exchanges; one loop's thread.
#pragma once

#include <cstddef>
#include <expected>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "common/clock.h"
#include "proxy/http/counters.h"
#include "proxy/http/fault.h"
#include "proxy/upstream/endpoint.h"
#include "proxy/upstream/upstream.h"
#include "proxy/upstream/upstream_connection.h"
#include "proxy/upstream/waiting_line.h"

namespace gatehouse {

class EventLoop;
class Pool;
class UpstreamPools;

// A connection to an endpoint for the time of one exchange, and the place of the request there. Destroyed without
// put_back(): the connection is discarded, whatever state it is in.
class Lease {
 public:
  Lease(Pool& pool, std::unique_ptr<UpstreamConnection> connection, Place place);
  Lease(Lease&& other) noexcept;
  Lease& operator=(Lease&&) = delete;
  ~Lease();

  UpstreamConnection& connection() { return *connection_; }
  const Endpoint& endpoint() const { return *place_.endpoint(); }
  EndpointCounters& counters();
  bool reused() const { return connection_->reused(); }
  void put_back();  // after on_done(true); the lease is empty then
  Place give_up();  // discards the connection and keeps the place; the lease is empty then

 private:
  Pool* pool_;  // null: put back, or moved from
  std::unique_ptr<UpstreamConnection> connection_;
  Place place_;
};

class Pool {
 public:
  enum class Kind { kAny, kFresh };  // kFresh: a new connection, for a retry after a stale one

  Pool(UpstreamPools& owner, std::shared_ptr<Endpoint> endpoint, EndpointCounters& counters);
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  // REQUIRES: `place` is one at this pool's endpoint. A new connection begins to connect with its first exchange.
  Lease acquire(Place place, Kind kind = Kind::kAny);
  void set_options(const PoolOptions& options) { options_ = options; }
  void close_idle();
  std::size_t idle() const { return idle_.size(); }
  std::size_t leased() const { return leased_; }
  const std::shared_ptr<Endpoint>& endpoint() const { return endpoint_; }

 private:
  friend class Lease;
  void put_back(std::unique_ptr<UpstreamConnection> connection);
  void discard(std::unique_ptr<UpstreamConnection> connection);
  void end_lease();
  void close(std::unique_ptr<UpstreamConnection> connection);
  void drop_idle(UpstreamConnection& connection, UpstreamConnection::IdleEnd end);
  void learn_from_close(Duration idle_for);
  Duration idle_limit() const;

  UpstreamPools& owner_;
  std::shared_ptr<Endpoint> endpoint_;
  EndpointCounters& counters_;
  PoolOptions options_;
  std::vector<std::unique_ptr<UpstreamConnection>> idle_;  // most recently used last
  std::size_t leased_ = 0;
  // How long the endpoint keeps idle connections, as its closes tell: two in a row of the same age, for a while.
  struct {
    Duration last_close{};
    Duration limit = Duration::max();
    MonotonicTime until{};
  } learned_;
};

// Where the counts of a worker live (see WorkerMetrics); each is asked for once per pool or upstream and kept.
struct UpstreamCounting {
  std::move_only_function<EndpointCounters&(const Endpoint&)> endpoint;
  std::move_only_function<UpstreamCounters&(std::string_view upstream)> upstream;
};

class UpstreamPools {
 public:
  UpstreamPools(EventLoop& loop, UpstreamCounting counting);
  ~UpstreamPools();
  UpstreamPools(const UpstreamPools&) = delete;
  UpstreamPools& operator=(const UpstreamPools&) = delete;

  // After a reload (and at the start): pools of endpoints that are in none of `upstreams` close what is idle, keep
  // nothing any more and go with their last lease. Never called: every endpoint counts as current.
  void adopt(std::span<const std::shared_ptr<const Upstream>> upstreams);
  void close_idle();  // drain: nothing that is idle is needed any more

  // A place at an endpoint that the balancer chose, none of `tried`. The fault says why not: kQueueFull means that all
  // places are taken (or promised to those who wait) and that the request may wait().
  std::expected<Place, Fault> take_place(const Upstream& upstream, std::span<const Endpoint* const> tried);
  // False: as many as may wait do so already. Never calls the waiter before it returns.
  [[nodiscard]] bool wait(const std::shared_ptr<const Upstream>& upstream, PoolWaiter& waiter);
  // The pool of the place's endpoint, with a lease of it.
  Lease acquire(Place place, const PoolOptions& options, Pool::Kind kind = Pool::Kind::kAny);

  UpstreamCounters& counters(std::string_view upstream);
  EventLoop& loop() { return loop_; }

 private:
  friend class Pool;
  friend class WaitingLine;
  std::expected<Place, Fault> pick_place(const Upstream& upstream, std::span<const Endpoint* const> tried);
  bool current(const Endpoint& endpoint) const;
  void forget(Pool& pool);         // its endpoint is gone and its last lease has ended
  void forget(WaitingLine& line);  // empty

  EventLoop& loop_;
  UpstreamCounting counting_;
  bool adopted_ = false;
  std::unordered_set<const Endpoint*> current_;
  std::unordered_map<const Endpoint*, std::unique_ptr<Pool>> pools_;
  std::unordered_map<const Upstream*, std::unique_ptr<WaitingLine>> lines_;
};

}  // namespace gatehouse
