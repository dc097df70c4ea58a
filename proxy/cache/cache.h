// The cache of a process, and what a route wants of it. The cache outlives configurations and belongs to all workers; a
// Policy is part of a route, immutable.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "config/policy/caching.h"
#include "proxy/cache/flights.h"
#include "proxy/cache/store.h"

namespace gatehouse::cache {

struct Cache {
  explicit Cache(std::size_t memory) : store(memory) {}
  Store store;
  Flights flights;
};

struct Policy {
  Caching caching = Caching::kHttp;
  // Cache-Control of requests counts.
  bool obeys_clients = false;
  // Bytes of a body; what has more is not stored.
  std::size_t max_entry = CacheLimits{}.max_entry;
  // Tells the route and its upstream from others.
  std::string scope;
  // Never null.
  std::shared_ptr<Cache> cache;
};

}  // namespace gatehouse::cache
