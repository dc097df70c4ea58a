// Which endpoints answer for a name, and how to use them: part of a snapshot, shared by all workers (shared_ptr). Any
// thread; everything is const but three atomics (whose turn it is, how many requests wait, what the log was told)
// and what the membership holds.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "config/policy/balancing.h"
#include "proxy/upstream/membership.h"

namespace gatehouse {

struct UpstreamOptions {
  Balance balance = Balance::kLeastRequests;
  HashOn hash_on = HashOn::kClientAddress;
  // The name of the header or cookie, where hash_on is one of these.
  std::string hash_name;
  // The name of the affinity cookie; empty: there is none.
  std::string sticky_cookie;
  // The key that makes the values of affinity cookies: the same for as long as cookies shall hold.
  std::string affinity_key;
  // Requests in flight per endpoint, over all workers; 0: no limit.
  std::uint32_t max_requests = 0;
  // Requests that wait for a permit, over all workers.
  std::uint32_t queue = defaults::kQueue;
  std::chrono::milliseconds queue_timeout = defaults::kQueueTimeout;
  // How long it takes until an endpoint that becomes available gets its full share, from a tenth of it on; 0: at once.
  // Keys of Balance::kHash go to their endpoint all the same.
  std::chrono::milliseconds slow_start{0};
  // After so many failures in a row Membership::keeps_failing is called; 0: never.
  std::uint32_t failures_to_eject = OutlierOptions{}.consecutive_failures;
  // The answers that are failures.
  StatusSet failure_statuses = OutlierOptions{}.statuses;
  // What becomes of requests while every endpoint is only doubted.
  WhenAllUnhealthy when_all_unhealthy = WhenAllUnhealthy::kTry;
  // What becomes of responses that are not quite HTTP.
  Tolerance tolerance = Tolerance::kStrict;
  // What each connection to an endpoint begins with.
  SendProxyProtocol proxy_protocol = SendProxyProtocol::kOff;
  // Clients on loopback may see Refusal::detail, and which endpoint failed.
  bool detailed_errors = false;
  PoolOptions pool;
};

// A named set of interchangeable endpoints and how to use them: part of a snapshot, shared by all workers (shared_ptr).
// The options are const; the endpoints change without a new snapshot (membership.h), and stay the same object over
// reloads. Each snapshot has its own Upstream for a name, with its own turns and its own count of who waits; the
// membership is the same.
class Upstream {
 public:
  // REQUIRES: `membership` is not null.
  Upstream(std::string name, std::shared_ptr<Membership> membership, const UpstreamOptions& options);

  const std::string& name() const { return name_; }
  Membership& membership() const { return *membership_; }
  const UpstreamOptions& options() const { return options_; }

  // A number that is one more with each call, over all workers: whose turn it is.
  std::uint32_t next_turn() const { return turn_.fetch_add(1, std::memory_order_relaxed); }

  // True the first time, over all workers: then the log hears of an endpoint that hands requests over without being asked.
  bool tells_of_delegation() const { return !told_of_delegation_.exchange(true, std::memory_order_relaxed); }

  // How many requests wait, over all workers.
  std::uint32_t waiting() const { return waiting_.load(std::memory_order_relaxed); }
  // A request wants to wait. Returns false if `queue` of them do already; after true, end_wait() is called once.
  bool begin_wait() const;
  void end_wait() const { waiting_.fetch_sub(1, std::memory_order_relaxed); }

 private:
  const std::string name_;
  const std::shared_ptr<Membership> membership_;
  const UpstreamOptions options_;
  mutable std::atomic<std::uint32_t> turn_{0};
  mutable std::atomic<std::uint32_t> waiting_{0};
  mutable std::atomic<bool> told_of_delegation_{false};
};

}  // namespace gatehouse
