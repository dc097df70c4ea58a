#include "proxy/server/endpoint_registry.h"

namespace gatehouse {

std::shared_ptr<Endpoint> EndpointRegistry::endpoint(const std::string& upstream, const Address& address) {
  std::shared_ptr<Endpoint>& known = endpoints_[{upstream, address.to_string()}];
  if (!known) known = std::make_shared<Endpoint>(upstream, address);
  return known;
}

void EndpointRegistry::forget_unused() {
  std::erase_if(endpoints_, [](const auto& entry) { return entry.second.use_count() == 1; });
}

}  // namespace gatehouse
