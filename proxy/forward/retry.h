// Whether a failed attempt is tried once more, and where: the one decision that must never let a request run twice
// that may not. The Forwarder asks after each fault, and acts on it. Pure functions of what is known; any thread.
#pragma once

#include <cstdint>
#include <optional>

#include "proxy/http/counters.h"
#include "proxy/upstream/upstream_connection.h"

namespace gatehouse::retry {

// What the decision looks at.
struct Facts {
  UpstreamConnection::Failure failure;
  // The method may run twice (RFC 9110 section 9.2.2).
  bool idempotent = false;
  // Not a byte of the request's body has been taken from its pipe.
  bool body_untouched = false;
  // The endpoint is a process of ours, which another one will replace.
  bool app = false;
  // The endpoint is not to be used any more: its process drains or has ended, or it is no member now.
  bool gone = false;
  // There has been the time to learn of its process's end.
  bool settled = false;
  // Attempts so far, the failed one included.
  std::uint32_t attempts = 0;
};

enum class Where : std::uint8_t {
  // On a fresh connection to the same endpoint.
  kSame,
  // At another endpoint; not at all if there is none.
  kOther,
  // At another endpoint, else as kSame.
  kOtherOrSame,
  // At another endpoint, else to be decided again in a moment, settled.
  kOtherOrLater,
  // At another endpoint, else in line for the next one.
  kOtherOrWait,
};

struct Decision {
  // For the counters. Only after kConnect may the next attempt use a kept connection.
  RetryReason reason = RetryReason::kConnect;
  Where where = Where::kOther;
  // Whether it is paid for from the retry budget: not where the request only moves, from an endpoint that is no more
  // or from a kept connection on which nothing was sent.
  bool costs = true;
  friend bool operator==(const Decision&, const Decision&) = default;
};

// How many attempts an exchange gets in all.
inline constexpr std::uint32_t kMaxAttempts = 3;
// At an app, where the failed attempt cannot have run the request: a process that ends refuses, or closes what it has
// not read, for as long as nobody has noticed.
inline constexpr std::uint32_t kMaxAttemptsAtApp = 6;
// The same at any endpoint that is gone.
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

// Whether a failure speaks against the endpoint, for ejection: no connection, no answer in time, or the death of the
// connection; but not of a kept one that it closed in its own time.
bool is_endpoints_fault(const UpstreamConnection::Failure& failure);

}  // namespace gatehouse::retry
