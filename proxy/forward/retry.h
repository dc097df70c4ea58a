// Whether a failed exchange is tried once more, and where: the one decision that must never let a request run twice
// that may not. Pure functions of what is known.
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
  bool app = false;             // the endpoint is a process of ours, which another one will replace
  bool gone = false;           // the endpoint is not to be used any more: its process has ended, or it is no member now
  bool settled = false;        // there has been the time to learn of its process's end
  std::uint32_t attempts = 0;  // so far, the failed one included
};

enum class Where : std::uint8_t {
  kSame,          // on a fresh connection to the same endpoint
  kOther,         // at another endpoint, if there is one
  kOtherOrSame,   // at another endpoint, else as kSame
  kOtherOrLater,  // at another endpoint, else to be decided again in a moment, settled
  kOtherOrWait,   // at another endpoint, else in line for the next one
};

struct Decision {
  RetryReason reason = RetryReason::kConnect;
  Where where = Where::kOther;
  bool costs = true;  // of the retry budget; not where the request only moves, from an endpoint that is no more or
                      // from a kept connection on which nothing was sent
  friend bool operator==(const Decision&, const Decision&) = default;
};

inline constexpr std::uint32_t kMaxAttempts = 3;
// Where no attempt can have run the request: a process that ends refuses, or closes what it has not read, for as long
// as nobody has noticed.
inline constexpr std::uint32_t kMaxAttemptsAtApp = 6;
inline constexpr std::uint32_t kMaxAttemptsWhenGone = 10;

// Whether a failed attempt is repeated, why and where. Returns nothing if it is not repeated.
//
//   no connection, any method                    kConnect  another endpoint; or in line, for apps and where it is gone
//   another user listens at an app, any method   kConnect  another endpoint; or in line where it is gone
//   unsent: not a byte has left, any method      kStale    a fresh connection; elsewhere where it is gone
//   unread: it has provably not read the head,   kUnread   a fresh connection; elsewhere where it is gone. For apps, on
//     any method                                           a fresh connection already: elsewhere, or in a moment
//   death of a kept connection, idempotent       kStale    a fresh connection; elsewhere where it is gone
//   death of a fresh connection, idempotent      kStale    elsewhere where it is gone, or for apps in a moment; else no
//
// Never after a byte of the answer, nor once a byte of the request's body has been taken, nor where our own machine has
// no resources for a connection: it has none for a connection to another endpoint either.
std::optional<Decision> decide(const Facts& facts);

// No connection could be made, or none that may be used: the endpoint cannot know of the request.
bool is_connect(Fault fault);
// Whether a failure speaks against the endpoint (for ejection): not a kept connection that it closed in its own time.
bool is_endpoints_fault(const UpstreamConnection::Failure& failure);
bool is_endpoints_fault(std::uint16_t status);

}  // namespace gatehouse::retry
