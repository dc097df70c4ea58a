// Which endpoints an upstream has at one moment, and what becomes of a request that finds none of them fit: immutable,
// replaced as a whole (membership.h) by the control thread when a name resolves anew, an app's process gets ready or
// goes, a configuration comes into force. Shared (shared_ptr) by the membership and the workers' tables; any thread may
// read it.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "proxy/http/fault.h"
#include "proxy/upstream/endpoint.h"

namespace gatehouse {

// An answer in place of the endpoints' own: why, and when to come back.
struct Refusal {
  Fault fault = Fault::kNoHealthyEndpoint;
  // What Retry-After says; 0: there is none.
  std::chrono::seconds retry_after{0};
  // What the client gets instead of the error page; empty: the error page.
  std::string body;
  // The media type of `body`.
  std::string content_type;
  // The cause and the app's last output, for clients that may see it (UpstreamOptions::detailed_errors); may be empty.
  std::string detail;
};

struct EndpointSet {
  struct Member {
    // Never null.
    std::shared_ptr<Endpoint> endpoint;
    // 1 to 1000: a member of weight 2 gets twice as many requests as one of weight 1.
    std::uint32_t weight = 1;
    // What sticky cookies and the hash ring know the member by. It stays the same when an app's process is replaced.
    // Empty: the endpoint's name.
    std::string affinity;
  };

  // What becomes of a request for which no member is fit, and no busy one either.
  enum class WhenNone : std::uint8_t {
    // It gets `refusal` at once.
    kRefuse,
    // It waits in line for as long as queue_timeout allows: an endpoint is on its way, or will be when asked for.
    kWait,
  };

  std::vector<Member> members;
  WhenNone when_none = WhenNone::kRefuse;
  Refusal refusal;
};

}  // namespace gatehouse
