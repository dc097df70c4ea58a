#include "proxy/forward/retry.h"

namespace gatehouse::retry {

std::optional<RetryReason> decide(const Facts& facts) {
  if (!facts.body_untouched || facts.attempts >= kMaxAttempts) return std::nullopt;
  switch (facts.failure.fault) {
    case Fault::kConnectRefused:
    case Fault::kConnectFailed:
    case Fault::kConnectTimeout:
      return RetryReason::kConnect;
    case Fault::kUpstreamReset:
    case Fault::kUpstreamClosed:
      if (facts.failure.answered) return std::nullopt;
      if (facts.failure.unread) return RetryReason::kUnread;
      if (facts.failure.reused && facts.idempotent) return RetryReason::kStale;
      return std::nullopt;
    default:
      return std::nullopt;
  }
}

}  // namespace gatehouse::retry
