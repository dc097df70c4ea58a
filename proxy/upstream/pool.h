// The connections of one worker to one endpoint: those idle, most recently used first, and the leases of those in use.
// Made and owned by UpstreamPools; one loop's thread. A pool outlives its leases: with its endpoint gone it stays until
// the last of them has ended.
//
//   acquire() --> Lease --put_back()--> idle_ [ oldest ... newest ] --acquire()--> Lease ...
//                   |--keep_private()--> PrivateConnection, of its client --resume()--> Lease ...
//                   |                           |
//                   +-- ~Lease, give_up()       +-- idle for too long, closed by the endpoint, or for want of room
//                   v                           v
//                 closed: retired at the end of the turn
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
class PrivateConnection;
class UpstreamPools;

// A connection to an endpoint for the time of one exchange, and the permit of the request there. Owned by the forwarder
// that runs the exchange. Destroyed without put_back(): the connection is discarded, whatever state it is in.
class Lease {
 public:
  // For Pool::acquire().
  Lease(Pool& pool, std::unique_ptr<UpstreamConnection> connection, Permit permit);
  Lease(Lease&& other) noexcept;
  Lease& operator=(Lease&&) = delete;
  ~Lease();

  UpstreamConnection& connection() { return *connection_; }
  const std::shared_ptr<Endpoint>& endpoint() const { return permit_.endpoint(); }
  // The counters of the endpoint, of this worker.
  EndpointCounters& counters();
  bool reused() const { return connection_->reused(); }
  // Gives the connection to the pool, which keeps or closes it, and then the permit back. The lease is empty then: it
  // may only be destroyed. REQUIRES: on_done(true) was called.
  void put_back();
  // Gives the permit back, and returns the connection for the same client's next exchange. Null: it is closed, as its
  // endpoint is gone, or others wait for room. The lease is empty then. REQUIRES: on_done(true) was called.
  std::unique_ptr<PrivateConnection> keep_private();
  // Discards the connection and returns the permit, for another connection to the same endpoint. The lease is empty
  // then. May be called from within a call of the connection.
  Permit give_up();

 private:
  // Null: put back, given up, or moved from.
  Pool* pool_;
  std::unique_ptr<UpstreamConnection> connection_;
  Permit permit_;
};

class Pool {
 public:
  // kFresh: a new connection even if there are idle ones, for a retry after a connection that was stale.
  enum class Kind { kAny, kFresh };

  // `counters` are of the endpoint and outlive the pool.
  Pool(UpstreamPools& owner, std::shared_ptr<Endpoint> endpoint, EndpointCounters& counters);
  // REQUIRES: no connection is leased.
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  // Takes the idle connection that was used last, or makes a new one, which begins to connect with its first exchange.
  // A new one counts in the DescriptorBudget at once, whether there is room or not: who asks has looked before.
  // REQUIRES: `permit` is one at this pool's endpoint.
  Lease acquire(Permit permit, Kind kind = Kind::kAny);
  // Likewise with a connection that has rested with its client, and has ended as a private one then. REQUIRES:
  // !ended()
  Lease resume(PrivateConnection& connection, Permit permit);
  // Closes it at the end of the turn. REQUIRES: !ended()
  void close(PrivateConnection& connection);
  // Holds for connections that are put back from now on. Those beyond max_idle are kept for a second, for bursts.
  void set_options(const PoolOptions& options) { options_ = options; }
  // Closes what is idle now; leases are not touched, nor is what rests with clients.
  void close_idle();
  // Closes what rests with clients.
  void close_private();
  // The one that has been idle for longest gives its descriptor to others, at once. REQUIRES: idle() > 0, and none of
  // its frames is on the stack.
  void close_longest_idle();
  // REQUIRES: idle() > 0.
  Duration longest_idle() const { return idle_.front()->idle_for(); }
  // Likewise of those that rest with their clients, who have to authenticate again then. REQUIRES: resting() > 0, and
  // as above.
  void close_longest_private();
  Duration longest_private() const;
  // `current` is false once its endpoint is in no upstream any more. Nothing is kept then, and the pool goes with its
  // last lease.
  void set_current(bool current) { current_ = current; }
  bool current() const { return current_; }
  std::size_t idle() const { return idle_.size(); }
  // Private ones that rest with their clients.
  std::size_t resting() const { return private_.size(); }
  std::size_t leased() const { return leased_; }
  const std::shared_ptr<Endpoint>& endpoint() const { return endpoint_; }

 private:
  friend class Lease;
  void put_back(std::unique_ptr<UpstreamConnection> connection);
  std::unique_ptr<PrivateConnection> keep_private(std::unique_ptr<UpstreamConnection> connection);
  // It is none of the private ones from then on.
  std::unique_ptr<UpstreamConnection> release(PrivateConnection& connection);
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
  // The most recently used is the last.
  std::vector<std::unique_ptr<UpstreamConnection>> idle_;
  // Owned by their clients' connections; the last came last.
  std::vector<PrivateConnection*> private_;
  std::size_t leased_ = 0;
  bool current_ = true;
  // How long the endpoint keeps idle connections, as its closes tell: two in a row of the same age, for ten minutes.
  struct {
    Duration last_close{};
    Duration limit = Duration::max();
    MonotonicTime until{};
  } learned_;
};

}  // namespace gatehouse
