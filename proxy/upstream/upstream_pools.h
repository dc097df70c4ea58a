// All that one worker has of upstreams: the pools of connections, found by endpoint and kept over reloads; for each
// upstream the set of endpoints that it knows, with what balancing computes of it, and its retry budget; and the
// waiting lines. Owned by its worker, outlives its exchanges; one loop's thread.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "common/clock.h"
#include "common/timer.h"
#include "common/waker.h"
#include "proxy/http/counters.h"
#include "proxy/upstream/balance_table.h"
#include "proxy/upstream/descriptor_budget.h"
#include "proxy/upstream/pick_request.h"
#include "proxy/upstream/pool.h"
#include "proxy/upstream/retry_budget.h"
#include "proxy/upstream/waiting_line.h"

namespace gatehouse {

class EventLoop;

// Where the counts of a worker live (see WorkerMetrics); each is asked for once per pool or upstream and kept.
struct UpstreamCounting {
  std::move_only_function<EndpointCounters&(const Endpoint&)> endpoint;
  std::move_only_function<UpstreamCounters&(std::string_view upstream)> upstream;
};

class UpstreamPools {
 public:
  using UpstreamPtr = std::shared_ptr<const Upstream>;

  // `descriptors` is what all workers share; null: as many connections as are wanted.
  UpstreamPools(EventLoop& loop, UpstreamCounting counting, std::shared_ptr<DescriptorBudget> descriptors = nullptr);
  ~UpstreamPools();
  UpstreamPools(const UpstreamPools&) = delete;
  UpstreamPools& operator=(const UpstreamPools&) = delete;

  // After a reload (and at the start): pools of endpoints that are in none of `upstreams` close what is idle, keep
  // nothing any more and go with their last lease. Never called: every endpoint counts as current.
  void adopt(std::span<const UpstreamPtr> upstreams);
  // Sees to it that idle connections to endpoints that have gone are closed now, not with the next request.
  void refresh();
  void close_idle();  // drain: nothing that is idle is needed any more

  // A permit at an endpoint that the balancer chose, as the request wants it.
  std::expected<Permit, NoPermit> take_permit(const UpstreamPtr& upstream, const PickRequest& request);
  // Returns false if as many as may wait do so already. Never calls the waiter before it returns.
  [[nodiscard]] bool wait(const UpstreamPtr& upstream, PoolWaiter& waiter);
  // The pool of the permit's endpoint, with a lease of it.
  Lease acquire(Permit permit, const PoolOptions& options, Pool::Kind kind = Pool::Kind::kAny);

  // The set as this worker knows it, not older than its membership's when called.
  std::shared_ptr<const EndpointSet> set_of(const UpstreamPtr& upstream);
  bool is_member(const UpstreamPtr& upstream, const Endpoint& endpoint);
  // The affinity cookie's value for the endpoint; empty: none is to be set, because `sent` is as good or nothing is
  // known.
  std::string_view new_cookie(const UpstreamPtr& upstream, const Endpoint& endpoint, std::string_view sent);
  // Nobody listens there though its process should: no request goes there for a moment.
  void lost(const std::shared_ptr<Endpoint>& endpoint);

  // Our own machine had no descriptor, port or memory for a connection, for the reason `error` (errno): the log hears
  // of it, now and then.
  void note_out_of_resources(const Endpoint& endpoint, int error);

  RetryBudget& budget(const UpstreamPtr& upstream);
  UpstreamCounters& counters(const UpstreamPtr& upstream);
  EventLoop& loop() { return loop_; }

 private:
  friend class Pool;
  friend class WaitingLine;

  // What this worker knows of an upstream.
  struct Standing {
    UpstreamPtr upstream;
    UpstreamCounters* counters = nullptr;
    DescriptorBudget::SharePtr share;
    std::uint64_t version = 0;  // of the membership
    std::unique_ptr<const BalanceTable> table;
    RetryBudget budget;
  };
  struct Lost {
    std::shared_ptr<Endpoint> endpoint;
    MonotonicTime until;
  };

  Standing& standing(const UpstreamPtr& upstream);
  bool update(Standing& standing);  // false: it was up to date
  void retire_pools();              // of endpoints that are in no standing
  std::expected<Permit, NoPermit> pick_permit(const UpstreamPtr& upstream, const PickRequest& request) {
    return pick_permit(standing(upstream), request);
  }
  std::expected<Permit, NoPermit> pick_permit(Standing& known, PickRequest request);
  const EndpointSet::Member* with_connection(const PickRequest& request);
  NoPermit outlook(const UpstreamPtr& upstream);

  // Room for connections, see descriptor_budget.h.
  const std::shared_ptr<DescriptorBudget>& descriptors() const { return descriptors_; }
  bool has_idle(const Endpoint& endpoint) const;
  // Whether a request can have a connection to the endpoint: an idle one, or another, for which one that is idle
  // elsewhere may have to go.
  bool has_room(const Standing& known, const Endpoint& endpoint);
  bool has_room(const UpstreamPtr& upstream, const Endpoint& endpoint) {
    return has_room(standing(upstream), endpoint);
  }
  void note_short(const Standing& known);
  bool close_longest_idle();
  bool gives_up_connection();  // rather than keep it, because others have asked for one
  void connection_is_idle();   // those who wait for room may use it
  void look_again() { look_.wake(); }
  void line_wants_room(bool wants);
  void on_told();
  void look_for_room();
  void find_lost_again();
  bool current(const Endpoint& endpoint) const { return !adopted_ || current_.contains(&endpoint); }
  void forget(Pool& pool);         // its endpoint is gone and its last lease has ended
  void forget(WaitingLine& line);  // empty

  EventLoop& loop_;
  UpstreamCounting counting_;
  bool adopted_ = false;
  std::unordered_set<const Endpoint*> current_;
  std::unordered_map<const Endpoint*, std::unique_ptr<Pool>> pools_;
  std::unordered_map<const Upstream*, Standing> standings_;
  std::unordered_map<const Upstream*, std::unique_ptr<WaitingLine>> lines_;
  std::vector<Lost> lost_;  // soonest first
  Timer lost_timer_;
  std::shared_ptr<DescriptorBudget> descriptors_;
  struct Shortage {
    std::shared_ptr<DescriptorBudget::Mailbox> mailbox;
    std::size_t lines = 0;  // of this worker that want room
    bool owes = false;      // a connection, to other workers
  };
  Shortage shortage_;
  Waker look_;  // for room
};

}  // namespace gatehouse
