// Chooses an endpoint for a request among those that are available, have a free place and were not tried before. The
// balancers themselves have no state (whose turn it is belongs to the Upstream); any thread.
#pragma once

#include <memory>
#include <span>

#include "proxy/upstream/upstream.h"

namespace gatehouse {

class Balancer {
 public:
  virtual ~Balancer() = default;

  // Null: there is none.
  virtual std::shared_ptr<Endpoint> pick(const Upstream& upstream, std::span<const Endpoint* const> tried) const = 0;

  static const Balancer& of(Balance kind);
};

}  // namespace gatehouse
