// Gives every upstream one Endpoint for an address, what Host says there, and what TLS verifies there, for as long as anybody uses it, so that
// endpoints which a reload does not touch keep their pools, permits and counts. For listed addresses and names; the endpoints of apps are
// HostedApp's. Owned by the UpstreamDirectory; its thread.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <tuple>

#include "proxy/upstream/endpoint.h"

namespace gatehouse {

class TlsClient;

class EndpointRegistry {
 public:
  // Returns the endpoint of that upstream, address, authority and TLS. It is made of `identity` if there is none yet;
  // otherwise what else `identity` says changes nothing.
  std::shared_ptr<Endpoint> endpoint(Endpoint::Identity identity);
  // Forgets the endpoints that no set, pool or exchange holds.
  void forget_unused();

 private:
  // By upstream, address, authority, which is a DNS name's, or empty, and what TLS is made with (kept by the endpoint)
  // and asks for.
  using Key = std::tuple<std::string, std::string, std::string, const TlsClient*, std::string>;
  std::map<Key, std::shared_ptr<Endpoint>> endpoints_;
};

}  // namespace gatehouse
