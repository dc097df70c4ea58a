// Chooses an endpoint for a request among those that are available (or usable in a panic), have a free permit and were
// not tried before. The balancers themselves have no state (whose turn it is belongs to the Upstream, what is computed
// beforehand to the BalanceTable); any thread.
#pragma once

#include "proxy/upstream/balance_table.h"
#include "proxy/upstream/pick_request.h"

namespace gatehouse {

class Balancer {
 public:
  virtual ~Balancer() = default;

  // Returns null if no member fits. The member lives as long as the table.
  virtual const EndpointSet::Member* pick(const PickRequest& request) const = 0;

  static const Balancer& of(Balance kind);
};

}  // namespace gatehouse
