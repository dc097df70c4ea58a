#include "proxy/http/exchange/open_tunnels.h"

#include "proxy/http/exchange/exchange.h"

namespace gatehouse {

// Leaving destroys no exchange, so that the list stays as it is.
std::size_t OpenTunnels::leave(const std::function<bool(const Exchange&)>& which) {
  std::size_t left = 0;
  for (Exchange* const exchange : exchanges_) {
    if (!which(*exchange)) continue;
    exchange->leave_tunnel();
    ++left;
  }
  return left;
}

}  // namespace gatehouse
