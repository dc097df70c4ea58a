#include "proxy/server/endpoint_registry.h"

namespace gatehouse {

std::shared_ptr<Endpoint> EndpointRegistry::endpoint(const std::string& upstream, const Address& address) {
  std::weak_ptr<Endpoint>& known = endpoints_[{upstream, address.to_string()}];
  std::shared_ptr<Endpoint> endpoint = known.lock();
  if (!endpoint) {
    endpoint = std::make_shared<Endpoint>(upstream, address);
    known = endpoint;
  }
  return endpoint;
}

void EndpointRegistry::forget_unused() {
  std::erase_if(endpoints_, [](const auto& entry) { return entry.second.expired(); });
}

}  // namespace gatehouse
