// Chooses an endpoint for a request among those that are available (or usable in a panic), have a free permit and were
// not tried before. The balancers themselves have no state (whose turn it is belongs to the Upstream, what is computed
// beforehand to the BalanceTable); any thread.
//
// It is virtual because an upstream's balance is known only when its configuration has been read. There is one constant
// object of each kind.
#pragma once

#include "proxy/upstream/balance_table.h"
#include "proxy/upstream/pick_request.h"

namespace gatehouse {

class Balancer {
 public:
  virtual ~Balancer() = default;

  // Returns null if no member fits. The member lives as long as the table. Takes no permit: another thread may have the
  // last one by the time that the caller asks for it, who then picks again. REQUIRES: request.table and
  // request.upstream are set.
  virtual const EndpointSet::Member* pick(const PickRequest& request) const = 0;

  // The one object of that kind, which lives as long as the process.
  static const Balancer& of(Balance kind);
};

}  // namespace gatehouse
