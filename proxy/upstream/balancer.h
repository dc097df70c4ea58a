// Chooses an endpoint for a request among those that are available (or merely doubted, in a panic), have a free permit
// and were not tried before. The balancers themselves have no state (whose turn it is belongs to the Upstream, what is
// computed beforehand to the BalanceTable); any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "common/clock.h"
#include "proxy/upstream/balance_table.h"

namespace gatehouse {

struct PickRequest {
  const BalanceTable& table;
  const Upstream& upstream;
  std::span<const Endpoint* const> tried{};
  std::optional<std::uint64_t> key{};  // for Balance::kHash; nothing: any will do
  MonotonicTime now{};                 // for slow start
  bool panic = false;                  // nobody is available, so that all who serve are tried

  // Whether a permit there may be asked for now.
  bool fits(const Endpoint& endpoint) const;
  // Whether it would be, had it a permit.
  bool allows(const Endpoint& endpoint) const;
};

class Balancer {
 public:
  virtual ~Balancer() = default;

  // Null: there is none. Lives as long as the table.
  virtual const EndpointSet::Member* pick(const PickRequest& request) const = 0;

  static const Balancer& of(Balance kind);
};

}  // namespace gatehouse
