#include "proxy/upstream/pick_request.h"

#include <algorithm>

#include "proxy/upstream/endpoint.h"
#include "proxy/upstream/upstream.h"

namespace gatehouse {

bool PickRequest::allows(const Endpoint& endpoint) const {
  return (panic ? endpoint.usable_in_panic() : endpoint.available()) &&
         std::ranges::find(tried, &endpoint) == tried.end();
}

bool PickRequest::fits(const Endpoint& endpoint) const {
  return allows(endpoint) && endpoint.has_free_permit(upstream->options().max_requests);
}

}  // namespace gatehouse
