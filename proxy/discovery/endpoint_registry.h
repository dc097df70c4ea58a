// Gives every pair of upstream and address one Endpoint for as long as anybody uses it, so that endpoints which a
// reload does not touch keep their pools, permits and counts. Owned by the UpstreamDirectory; its thread.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "proxy/upstream/endpoint.h"

namespace gatehouse {

class EndpointRegistry {
 public:
  std::shared_ptr<Endpoint> endpoint(Endpoint::Identity identity);
  void forget_unused();  // those that no set, pool or exchange holds

 private:
  std::map<std::pair<std::string, std::string>, std::shared_ptr<Endpoint>> endpoints_;  // by upstream and address
};

}  // namespace gatehouse
