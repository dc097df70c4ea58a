// The part of Forwarder that is about attempts which failed: whether there is another one, where, and what it was if not.
#include <algorithm>
#include <chrono>
#include <memory>
#include <span>
#include <utility>

#include "common/event_loop.h"
#include "proxy/forward/forwarder.h"
#include "proxy/forward/retry.h"

namespace gatehouse {

namespace {

constexpr std::chrono::milliseconds kSettling{50};  // then the end of a process is known

}  // namespace

void Forwarder::on_fault(const UpstreamConnection::Failure& failure) {
  timers_.silence.reset();
  if (ended_by_filter() || file_instead_ || (visit_ && visit_->responded())) return lease_.reset();
  note_failure(failure);
  decide_on(failure, false);
}

// A copy of the failure: the timer that holds the other one may be replaced meanwhile.
void Forwarder::decide_on(UpstreamConnection::Failure failure, bool settled) {
  const std::optional<retry::Decision> decision = retry::decide(facts_of(failure, settled));
  if (decision && try_again(*decision)) return;
  if (!decision || decision->where != retry::Where::kOtherOrLater) return give_up(failure);
  timers_.settling = std::make_unique<Timer>(exchange_.loop(), [this, failure] { decide_on(failure, true); });
  timers_.settling->arm(kSettling);
}

retry::Facts Forwarder::facts_of(const UpstreamConnection::Failure& failure, bool settled) {
  const Endpoint& endpoint = *lease_->endpoint();
  return {.failure = failure,
          .idempotent = exchange_.request().is_idempotent(),
          .body_untouched = exchange_.request_pipe().reader().total() == 0,
          .app = endpoint.pid() != 0,
          .gone = endpoint.has(Obstacle::kNotServing) || !pools_.is_member(upstream(), endpoint),
          .settled = settled,
          .attempts = attempts_here()};
}

// Returns true if it goes on, or has been refused by what is known of the upstream now.
bool Forwarder::try_again(const retry::Decision& decision) {
  UpstreamCounters& counters = pools_.counters(upstream());
  RetryBudget& budget = pools_.budget(upstream());
  if (decision.costs && !budget.allows(exchange_.loop().now())) {
    counters.retries_denied.add();
    return false;
  }
  std::expected<Permit, NoPermit> permit = permit_for_retry(decision.where);
  const bool may_wait = decision.where == retry::Where::kOtherOrWait;
  if (!permit && !may_wait) return false;
  if (!permit && permit.error() == NoPermit::kRefused) {
    on_refused(pools_.set_of(upstream())->refusal);
    return true;
  }
  if (decision.costs) budget.spend();
  counters.retries[static_cast<std::size_t>(decision.reason)].add();
  if (permit) {
    attempt(*std::move(permit), decision.reason == RetryReason::kConnect ? Pool::Kind::kAny : Pool::Kind::kFresh);
  } else {
    wait_in_line(permit.error());
  }
  return true;
}

std::expected<Permit, NoPermit> Forwarder::permit_for_retry(retry::Where where) {
  if (where == retry::Where::kSame) return lease_->give_up();
  const Endpoint* const failed = lease_->endpoint().get();
  if (search_.tried_count < search_.tried.size()) search_.tried[search_.tried_count++] = failed;
  std::expected<Permit, NoPermit> permit = pools_.take_permit(upstream(), pick_request());
  if (!permit && where == retry::Where::kOtherOrSame) return lease_->give_up();
  return permit;
}

void Forwarder::note_failure(const UpstreamConnection::Failure& failure) {
  EndpointCounters& counters = lease_->counters();
  if (failure.fault == Fault::kConnectRefused) counters.connects_refused.add();
  if (failure.fault == Fault::kConnectFailed) counters.connects_failed.add();
  if (failure.fault == Fault::kConnectTimeout) counters.connects_timeout.add();
  if (failure.fault == Fault::kForeignListener) counters.connects_foreign.add();
  if (is_upstream_tls(failure.fault)) counters.connects_tls.add();
  if (failure.fault == Fault::kOutOfResources) {
    counters.connects_out_of_resources.add();
    pools_.note_out_of_resources(*lease_->endpoint(), failure.error);
  }
  note_repairs();
  if (retry::is_endpoints_fault(failure)) {
    note_failure_of_endpoint({.fault = failure.fault, .error = failure.error});
  }
  // Its process may have ended without anybody having noticed yet.
  if (!nobody_listens(failure.fault) || lease_->endpoint()->pid() == 0) return;
  if (pools_.set_of(upstream())->when_none == EndpointSet::WhenNone::kWait) pools_.lost(upstream(), lease_->endpoint());
}

// Where one endpoint refuses, that is what there is to say; where several do, the upstream is down.
void Forwarder::give_up(const UpstreamConnection::Failure& failure) {
  Fault fault = failure.fault;
  const auto tried = std::span(search_.tried).first(search_.tried_count);
  const bool others =
      std::ranges::any_of(tried, [&](const Endpoint* each) { return each != lease_->endpoint().get(); });
  // The body's own fault is known to the pipe, if it is one of size.
  const bool too_large = fault == Fault::kRequestBodyInvalid && exchange_.request_pipe().over_limit();
  if (nobody_listens(fault) && others) fault = Fault::kNoHealthyEndpoint;
  fail(too_large ? Fault::kBodyTooLarge : fault, failure.error);
}

void Forwarder::judge_endpoint(std::uint16_t status) {
  constexpr std::uint16_t kFirstError = 500;
  if (upstream()->options().failure_statuses.contains(status)) return note_failure_of_endpoint({.status = status});
  if (status >= kFirstError) return lease_->endpoint()->erred();
  lease_->endpoint()->succeeded();
}

void Forwarder::note_failure_of_endpoint(const EndpointFailure& why) {
  const std::shared_ptr<Endpoint>& endpoint = lease_->endpoint();
  const std::uint32_t limit = upstream()->options().failures_to_eject;
  const std::uint32_t in_row = endpoint->failed(why);
  if (limit != 0 && in_row % limit == 0) upstream()->membership().keeps_failing(endpoint);
}

}  // namespace gatehouse
