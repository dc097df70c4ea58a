// Whether a failed exchange is tried once more: the one decision that must never let a request run twice that may not.
// A pure function of what is known.
#pragma once

#include <cstdint>
#include <optional>

#include "proxy/http/counters.h"
#include "proxy/upstream/upstream_connection.h"

namespace gatehouse::retry {

struct Facts {
  UpstreamConnection::Failure failure;
  bool idempotent = false;      // the method (RFC 9110 section 9.2.2)
  bool body_untouched = false;  // not a byte of the request's body has been taken from its pipe
  std::uint32_t attempts = 0;   // so far, the failed one included
};

inline constexpr std::uint32_t kMaxAttempts = 3;

// Nothing: no. kConnect: any method, at another endpoint. kStale: an idempotent one, on a fresh connection to the same
// endpoint. kUnread: any method, likewise, because the endpoint has provably not read the head.
std::optional<RetryReason> decide(const Facts& facts);

}  // namespace gatehouse::retry
