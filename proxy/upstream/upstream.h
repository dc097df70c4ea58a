// A named set of interchangeable endpoints and how to use them: part of a snapshot, shared by all workers (shared_ptr).
// Everything is const but two atomics: whose turn it is, and how many requests wait.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "proxy/upstream/endpoint.h"

namespace gatehouse {

enum class Balance : std::uint8_t { kRoundRobin, kLeastRequests };

struct PoolOptions {
  std::chrono::milliseconds idle_timeout{60'000};
  std::size_t max_idle = 64;  // per endpoint and worker; 0: no connection is kept
};

struct UpstreamOptions {
  Balance balance = Balance::kLeastRequests;
  std::uint32_t max_requests = 0;  // in flight per endpoint, over all workers; 0: no limit
  std::uint32_t queue = 1000;      // requests waiting for a place, over all workers
  std::chrono::milliseconds queue_timeout{120'000};
  PoolOptions pool;
};

class Upstream {
 public:
  using Endpoints = std::vector<std::shared_ptr<Endpoint>>;

  Upstream(std::string name, Endpoints endpoints, const UpstreamOptions& options)
      : name_(std::move(name)), endpoints_(std::move(endpoints)), options_(options) {}

  const std::string& name() const { return name_; }
  const Endpoints& endpoints() const { return endpoints_; }
  const UpstreamOptions& options() const { return options_; }

  std::uint32_t next_turn() const { return turn_.fetch_add(1, std::memory_order_relaxed); }

  std::uint32_t waiting() const { return waiting_.load(std::memory_order_relaxed); }
  bool begin_wait() const;  // false if the line is full
  void end_wait() const { waiting_.fetch_sub(1, std::memory_order_relaxed); }

 private:
  const std::string name_;
  const Endpoints endpoints_;
  const UpstreamOptions options_;
  mutable std::atomic<std::uint32_t> turn_{0};
  mutable std::atomic<std::uint32_t> waiting_{0};
};

}  // namespace gatehouse
