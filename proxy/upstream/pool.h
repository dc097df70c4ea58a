// The connections of one worker to one endpoint: those idle, most recently used first, and the leases of those in use.
// Made and owned by UpstreamPools; one loop's thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "common/clock.h"
#include "proxy/http/counters.h"
#include "proxy/upstream/descriptor_budget.h"
#include "proxy/upstream/endpoint.h"
#include "proxy/upstream/upstream.h"
#include "proxy/upstream/upstream_connection.h"

namespace gatehouse {

class EventLoop;
class Pool;
class UpstreamPools;

// A connection to an endpoint for the time of one exchange, and the permit of the request there. Destroyed without
// put_back(): the connection is discarded, whatever state it is in.
class Lease {
 public:
  Lease(Pool& pool, std::unique_ptr<UpstreamConnection> connection, Permit permit);
  Lease(Lease&& other) noexcept;
  Lease& operator=(Lease&&) = delete;
  ~Lease();

  UpstreamConnection& connection() { return *connection_; }
  const std::shared_ptr<Endpoint>& endpoint() const { return permit_.endpoint(); }
  EndpointCounters& counters();
  bool reused() const { return connection_->reused(); }
  void put_back();   // after on_done(true); the lease is empty then
  Permit give_up();  // discards the connection and keeps the permit; the lease is empty then

 private:
  Pool* pool_;  // null: put back, or moved from
  std::unique_ptr<UpstreamConnection> connection_;
  Permit permit_;
};

class Pool {
 public:
  enum class Kind { kAny, kFresh };  // kFresh: a new connection, for a retry after a stale one

  Pool(UpstreamPools& owner, std::shared_ptr<Endpoint> endpoint, EndpointCounters& counters);
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  // REQUIRES: `permit` is one at this pool's endpoint. A new connection begins to connect with its first exchange.
  Lease acquire(Permit permit, Kind kind = Kind::kAny);
  void set_options(const PoolOptions& options) { options_ = options; }
  void close_idle();
  // The one that has been idle for longest gives its descriptor to others, at once. REQUIRES: idle() > 0, and none of
  // its frames is on the stack.
  void close_longest_idle();
  Duration longest_idle() const { return idle_.front()->idle_for(); }  // REQUIRES: idle() > 0
  // `current` is false once its endpoint is in no upstream any more. Nothing is kept then, and the pool goes with its
  // last lease.
  void set_current(bool current) { current_ = current; }
  bool current() const { return current_; }
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
  void note_extra_bytes();
  void learn_from_close(Duration idle_for);
  Duration idle_limit() const;

  UpstreamPools& owner_;
  std::shared_ptr<Endpoint> endpoint_;
  EndpointCounters& counters_;
  const DescriptorBudget::SharePtr share_;
  PoolOptions options_;
  std::vector<std::unique_ptr<UpstreamConnection>> idle_;  // most recently used last
  std::size_t leased_ = 0;
  bool current_ = true;
  // How long the endpoint keeps idle connections, as its closes tell: two in a row of the same age, for a while.
  struct {
    Duration last_close{};
    Duration limit = Duration::max();
    MonotonicTime until{};
  } learned_;
};

}  // namespace gatehouse
