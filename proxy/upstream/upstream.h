// Which endpoints answer for a name, and how to use them: part of a snapshot, shared by all workers (shared_ptr). Any
// thread; everything is const but two atomics (whose turn it is, how many requests wait) and what the membership holds.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "proxy/upstream/membership.h"

namespace gatehouse {

enum class Balance : std::uint8_t { kRoundRobin, kLeastRequests, kRandom, kHash };

// What `Balance::kHash` and affinity look at.
enum class HashOn : std::uint8_t { kClientAddress, kHeader, kCookie, kPath };

struct PoolOptions {
  std::chrono::milliseconds idle_timeout{60'000};
  std::size_t max_idle = 64;  // per endpoint and worker; 0: no connection is kept
};

struct UpstreamOptions {
  Balance balance = Balance::kLeastRequests;
  HashOn hash_on = HashOn::kClientAddress;
  std::string hash_name;           // of the header or cookie
  std::string sticky_cookie;       // name of the signed affinity cookie; empty: none
  std::string affinity_key;        // what signs it: the same for as long as cookies shall hold
  std::uint32_t max_requests = 0;  // in flight per endpoint, over all workers; 0: no limit
  std::uint32_t queue = 1000;      // requests waiting for a permit, over all workers
  std::chrono::milliseconds queue_timeout{120'000};
  std::chrono::milliseconds slow_start{0};  // an endpoint that becomes available gets its share only after this
  std::uint32_t failures_to_eject = 5;      // in a row: Membership::keeps_failing; 0: never
  bool detailed_errors = false;             // Refusal::detail to clients on loopback
  PoolOptions pool;
};

// A named set of interchangeable endpoints and how to use them: part of a snapshot, shared by all workers (shared_ptr).
// The options are const; the endpoints change without a new snapshot (membership.h), and stay the same object over
// reloads.
class Upstream {
 public:
  Upstream(std::string name, std::shared_ptr<Membership> membership, const UpstreamOptions& options);

  const std::string& name() const { return name_; }
  Membership& membership() const { return *membership_; }
  const UpstreamOptions& options() const { return options_; }

  std::uint32_t next_turn() const { return turn_.fetch_add(1, std::memory_order_relaxed); }

  std::uint32_t waiting() const { return waiting_.load(std::memory_order_relaxed); }
  bool begin_wait() const;  // false if the line is full
  void end_wait() const { waiting_.fetch_sub(1, std::memory_order_relaxed); }

 private:
  const std::string name_;
  const std::shared_ptr<Membership> membership_;
  const UpstreamOptions options_;
  mutable std::atomic<std::uint32_t> turn_{0};
  mutable std::atomic<std::uint32_t> waiting_{0};
};

}  // namespace gatehouse
