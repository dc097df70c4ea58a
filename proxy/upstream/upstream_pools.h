// All that one worker has of upstreams: the pools of connections, found by endpoint and kept over reloads; for each
// upstream the set of endpoints that it knows, with what balancing computes of it, and its retry budget; and the
// waiting lines. Owned by its worker (or by a dry run), outlives its exchanges; one loop's thread.
//
//   take_permit --> Permit ----------------------------> acquire --> Lease
//        |                                                  ^
//        +-> kTaken, kComing, kNoRoom: wait --> on_permit --+
//        +-> kTried: wait, or give up
//        +-> kRefused: the set says what the client hears
//
//   pools_      Endpoint -> Pool           connections
//   standings_  Upstream -> Standing       set, BalanceTable, RetryBudget
//   lines_      Upstream -> WaitingLine    only while somebody waits
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

// Where the counts of a worker live (see WorkerMetrics); each is asked for once per pool or upstream and kept. The
// counters outlive the UpstreamPools.
struct UpstreamCounting {
  std::move_only_function<EndpointCounters&(const Endpoint&)> endpoint;
  std::move_only_function<UpstreamCounters&(std::string_view upstream)> upstream;
};

class UpstreamPools {
 public:
  using UpstreamPtr = std::shared_ptr<const Upstream>;

  // `descriptors` is what all workers share; null: as many connections as are wanted.
  UpstreamPools(EventLoop& loop, UpstreamCounting counting, std::shared_ptr<DescriptorBudget> descriptors = nullptr);
  // REQUIRES: nobody waits and no lease is left.
  ~UpstreamPools();
  UpstreamPools(const UpstreamPools&) = delete;
  UpstreamPools& operator=(const UpstreamPools&) = delete;

  // After a reload (and at the start): pools of endpoints that are in none of `upstreams` close what is idle, keep
  // nothing any more and go with their last lease. Never called: every endpoint counts as current.
  void adopt(std::span<const UpstreamPtr> upstreams);
  // Sees to it that idle connections to endpoints that have gone are closed now, not with the next request.
  void refresh();
  // Closes what is idle in all pools, for a drain. Connections that are put back later are still kept.
  void close_idle();

  // Returns a permit at an endpoint as the request wants it: the one that its cookie names, or one that the balancer
  // chooses, of all that are usable in a panic if none is available. While anybody waits, on whichever worker, it
  // returns kTaken: what is free has been promised. A request that has tried nothing yet counts for the retry budget.
  std::expected<Permit, NoPermit> take_permit(const UpstreamPtr& upstream, const PickRequest& request);
  // Puts the waiter in the line of its upstream; see PoolWaiter for what it is told. Returns false if as many as may
  // wait do so already. Never calls the waiter before it returns.
  [[nodiscard]] bool wait(const UpstreamPtr& upstream, PoolWaiter& waiter);
  // Returns a connection of the pool of the permit's endpoint, which is made if there is none. The options hold for the
  // pool from now on.
  Lease acquire(Permit permit, const PoolOptions& options, Pool::Kind kind = Pool::Kind::kAny);

  // The set as this worker knows it, not older than its membership's when called.
  std::shared_ptr<const EndpointSet> set_of(const UpstreamPtr& upstream);
  // Whether the endpoint is in that set.
  bool is_member(const UpstreamPtr& upstream, const Endpoint& endpoint);
  // Returns the affinity cookie's value for the endpoint. Empty: none is to be set, because `sent`, the client's, names
  // this endpoint or another that is available, or because the upstream has no affinity. A view of the table in force.
  std::string_view new_cookie(const UpstreamPtr& upstream, const Endpoint& endpoint, std::string_view sent);
  // Nobody listens there though its process should: no request goes there, from any worker, for 100 ms (kLost), and the
  // membership hears of it.
  void lost(const UpstreamPtr& upstream, const std::shared_ptr<Endpoint>& endpoint);

  // Our own machine had no descriptor, port or memory for a connection, for the reason `error` (an errno): the log
  // hears of it, now and then.
  void note_out_of_resources(const Endpoint& endpoint, int error);

  // Good until the next call of adopt().
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
    // Of the membership, when the table was made.
    std::uint64_t version = 0;
    std::unique_ptr<const BalanceTable> table;
    RetryBudget budget;
  };
  struct Lost {
    std::shared_ptr<Endpoint> endpoint;
    MonotonicTime until;
  };

  Standing& standing(const UpstreamPtr& upstream);
  // Returns false if it was up to date.
  bool update(Standing& standing);
  // Those of endpoints that are in no standing close what is idle, and go with their last lease.
  void retire_pools();
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
  // Returns false if there is none, not even one that rests with its client.
  bool close_longest_idle();
  bool close_longest_private();
  // Whether a connection that is put back is closed rather than kept, because others have asked for one.
  bool gives_up_connection();
  // Those who wait for room may use it.
  void connection_is_idle();
  void look_again() { look_.wake(); }
  void line_wants_room(bool wants);
  void on_told();
  void look_for_room();
  void find_lost_again();
  bool current(const Endpoint& endpoint) const { return !adopted_ || current_.contains(&endpoint); }
  // The pool's endpoint is gone and its last lease has ended.
  void forget(Pool& pool);
  // The line is empty.
  void forget(WaitingLine& line);

  EventLoop& loop_;
  UpstreamCounting counting_;
  bool adopted_ = false;
  std::unordered_set<const Endpoint*> current_;
  std::unordered_map<const Endpoint*, std::unique_ptr<Pool>> pools_;
  std::unordered_map<const Upstream*, Standing> standings_;
  std::unordered_map<const Upstream*, std::unique_ptr<WaitingLine>> lines_;
  // In the order of `until`.
  std::vector<Lost> lost_;
  Timer lost_timer_;
  std::shared_ptr<DescriptorBudget> descriptors_;
  struct Shortage {
    std::shared_ptr<DescriptorBudget::Mailbox> mailbox;
    // Lines of this worker that want room.
    std::size_t lines = 0;
    // Other workers want a connection, and none was idle: the next that would be goes.
    bool owes = false;
  };
  Shortage shortage_;
  // Runs look_for_room().
  Waker look_;
};

}  // namespace gatehouse
