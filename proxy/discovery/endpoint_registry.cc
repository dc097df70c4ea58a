#include "proxy/discovery/endpoint_registry.h"

#include <utility>

#include "common/crypto/tls_server.h"

namespace gatehouse {

std::shared_ptr<Endpoint> EndpointRegistry::endpoint(Endpoint::Identity identity) {
  const TlsServer* const tls = identity.tls.get();
  std::shared_ptr<Endpoint>& known =
      endpoints_[{identity.upstream, identity.address.to_string(), identity.authority,
                  tls == nullptr ? nullptr : &tls->client(), tls == nullptr ? "" : tls->name()}];
  if (!known) known = std::make_shared<Endpoint>(std::move(identity));
  return known;
}

void EndpointRegistry::forget_unused() {
  std::erase_if(endpoints_, [](const auto& entry) { return entry.second.use_count() == 1; });
}

}  // namespace gatehouse
