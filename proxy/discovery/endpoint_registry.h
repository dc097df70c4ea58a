// Gives every upstream one Endpoint for an address and what Host says there, for as long as anybody uses it, so that
// endpoints which a reload does not touch keep their pools, permits and counts. For listed addresses and names; the endpoints of apps are
// HostedApp's. Owned by the UpstreamDirectory; its thread.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <tuple>

#include "proxy/upstream/endpoint.h"

namespace gatehouse {

class EndpointRegistry {
 public:
  // Returns the endpoint of that upstream, address and authority. It is made of `identity` if there is none yet;
  // otherwise what else `identity` says changes nothing.
  std::shared_ptr<Endpoint> endpoint(Endpoint::Identity identity);
  // Forgets the endpoints that no set, pool or exchange holds.
  void forget_unused();

 private:
  // By upstream, address and authority, which is a DNS name's, or empty.
  std::map<std::tuple<std::string, std::string, std::string>, std::shared_ptr<Endpoint>> endpoints_;
};

}  // namespace gatehouse
