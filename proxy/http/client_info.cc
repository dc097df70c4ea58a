#include "proxy/http/client_info.h"

#include <algorithm>

namespace gatehouse {

bool ListenerPolicy::trusts(const Address& address) const {
  return std::ranges::any_of(trusted_proxies, [&](const AddressRange& range) { return range.contains(address); });
}

}  // namespace gatehouse
