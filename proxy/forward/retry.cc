#include "proxy/forward/retry.h"

namespace gatehouse::retry {

namespace {

bool is_death(Fault fault) {
  return fault == Fault::kUpstreamReset || fault == Fault::kUpstreamClosed;
}

bool cannot_have_run(const UpstreamConnection::Failure& failure) {
  return is_connect(failure.fault) || failure.unread || failure.unsent;
}

std::optional<Decision> after_connect(const Facts& facts) {
  // Who listens in an app's place is not replaced by its next process: that app still runs.
  const bool replaced = facts.app && facts.failure.fault != Fault::kForeignListener;
  const bool another_comes = replaced || facts.gone;
  return Decision{.reason = RetryReason::kConnect,
                  .where = another_comes ? Where::kOtherOrWait : Where::kOther,
                  .costs = !facts.gone};
}

Where after_death_of_connection(const Facts& facts) {
  if (facts.gone) return Where::kOtherOrWait;
  if (facts.failure.reused || !facts.app) return Where::kSame;
  return facts.settled ? Where::kOtherOrSame : Where::kOtherOrLater;
}

std::optional<Decision> after_death(const Facts& facts) {
  if (facts.failure.responded) return std::nullopt;
  // A kept connection that was found unfit before anything was sent: the request has not been tried yet.
  const bool untried = facts.failure.unsent && facts.failure.reused;
  const bool unread = facts.failure.unread && !facts.failure.unsent;
  const Decision decision{.reason = unread ? RetryReason::kUnread : RetryReason::kStale,
                          .where = after_death_of_connection(facts),
                          .costs = !facts.gone && !untried};
  if (cannot_have_run(facts.failure)) return decision;
  if (!facts.idempotent) return std::nullopt;
  if (!facts.failure.reused && !facts.gone && !facts.app) return std::nullopt;
  return decision;
}

// A request that an endpoint may have run, and died of, gets few others to try that with.
std::uint32_t most_attempts(const Facts& facts) {
  if (!cannot_have_run(facts.failure)) return kMaxAttempts;
  if (facts.gone) return kMaxAttemptsWhenGone;
  return facts.app ? kMaxAttemptsAtApp : kMaxAttempts;
}

}  // namespace

std::optional<Decision> decide(const Facts& facts) {
  if (!facts.body_untouched || facts.attempts >= most_attempts(facts)) return std::nullopt;
  if (is_connect(facts.failure.fault)) return after_connect(facts);
  if (is_death(facts.failure.fault)) return after_death(facts);
  return std::nullopt;
}

bool is_endpoints_fault(const UpstreamConnection::Failure& failure) {
  if (is_death(failure.fault)) return failure.responded || !failure.reused;
  return is_connect(failure.fault) || failure.fault == Fault::kUpstreamTimeout;
}

}  // namespace gatehouse::retry
