// Which endpoints an upstream has at one moment, and what becomes of a request that finds none of them fit: immutable,
// replaced as a whole (membership.h) by the control thread when a name resolves anew, an app's process gets ready or
// goes, a configuration comes into force. Any thread may read it.
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
  std::chrono::seconds retry_after{0};  // Retry-After; 0: none
  std::string body;                     // instead of the error page; empty: the error page
  std::string content_type;             // of `body`
  std::string detail;                   // for clients that may see it (on loopback): cause and last output; or empty
};

struct EndpointSet {
  struct Member {
    std::shared_ptr<Endpoint> endpoint;  // never null
    std::uint32_t weight = 1;            // 1..1000
    std::string affinity;                // what a sticky cookie names: stays when an app's process is replaced
  };

  enum class WhenNone : std::uint8_t {
    kRefuse,  // `refusal`, at once
    kWait,    // in line, for as long as queue_timeout allows: an endpoint is on its way, or will be when asked for
  };

  std::vector<Member> members;
  WhenNone when_none = WhenNone::kRefuse;
  Refusal refusal;
};

}  // namespace gatehouse
