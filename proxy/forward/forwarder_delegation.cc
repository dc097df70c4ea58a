// The part of Forwarder that is about answers by which an endpoint hands its request to another upstream.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "common/event_loop.h"
#include "common/log.h"
#include "common/log_limit.h"
#include "proxy/forward/delegation.h"
#include "proxy/forward/forwarder.h"

namespace gatehouse {

namespace {

constexpr std::size_t kMostOfWish = 64;  // in a line of the log: as long as a name may be

constinit log::Limited refused_delegations("X-Delegate-To fields of endpoints that name nobody whom they may name");

// How long the endpoint was at it that hands over now: what is left of the whole time without waiting lines.
Duration time_at_endpoint(const Exchange& exchange) {
  const ExchangeRecord& record = exchange.record();
  const Duration all = exchange.loop().now() - record.started - record.queued.value_or(Duration::zero());
  return std::accumulate(record.delegations.begin(), record.delegations.end(), all,
                         [](Duration left, const Delegation& before) { return left - before.took; });
}

}  // namespace

bool Forwarder::delegate(ResponseHead& head) {
  const std::optional<std::string> wish = delegation::take(head.fields);
  if (!wish) return false;
  if (delegation_.by == nullptr) {
    if (upstream()->tells_of_delegation()) {
      log::info(
          "upstream {}: endpoint {} said X-Delegate-To, which is ignored: the upstream has no delegate_to; told once",
          upstream()->name(), lease_->endpoint()->name());
    }
    return false;
  }
  const bool taken = delegation_.asked_for_body || head.opens_tunnel() || exchange_.request_pipe().reader().total() > 0;
  const delegation::Decision decision =
      delegation::decide({.by = *delegation_.by,
                          .wish = *wish,
                          .visited = std::span(delegation_.visited).first(delegation_.hops),
                          .taken = taken});
  ExchangeRecord& record = exchange_.record();
  record.delegations.push_back(
      {.upstream = record.upstream,
       .endpoint = record.endpoint,
       .target = decision.target != nullptr ? std::string_view(decision.target->upstream->name()) : std::string_view(),
       .status = head.status,
       .took = time_at_endpoint(exchange_),
       .result = decision.result});
  if (decision.result == Delegation::Result::kHandedOver) {
    hand_over(*decision.target, head);
    return true;
  }
  if (decision.target == nullptr) {
    refused_delegations.info("upstream {}: endpoint {} said X-Delegate-To: {}, which its delegate_to does not list",
                             upstream()->name(), lease_->endpoint()->name(), wish->substr(0, kMostOfWish));
  }
  fail(delegation::fault_of(decision.result));
  return true;
}

// What the client and the route have made of the request stays; who it goes to, and what is the endpoint's own, is the
// target's. The body has not been touched, or there would be no hand-over.
void Forwarder::hand_over(const Delegator& target, ResponseHead& head) {
  note_repairs();
  give_back(lease_->connection().drop_response());
  delegation::add_fields(exchange_.request().fields, head.fields, exchange_.client(), route_.request_headers);
  ExchangeRecord& record = exchange_.record();
  delegation_.visited[delegation_.hops++] = upstream().get();
  delegation_.attempts_before = record.attempts;
  go_to(target.upstream, &target);
  search_.tried_count = 0;
  record.endpoint.clear();
  record.app_pid = 0;
  record.upstream_reused = false;
  seek_endpoint();
}

void Forwarder::go_to(const std::shared_ptr<const Upstream>& target, const Delegator* delegator) {
  upstream_ = &target;
  delegation_.by = delegator != nullptr && !delegator->targets.empty() ? delegator : nullptr;
  exchange_.record().upstream = target->name();
}

// Whoever may hand the request on gets its body when it asks for it, so that the next one can have all of it.
bool Forwarder::holds_body() const {
  return delegation_.by != nullptr && !exchange_.request().body.is_empty();
}

void Forwarder::give_body() {
  delegation_.asked_for_body = true;
  lease_->connection().release_body();
}

std::uint32_t Forwarder::attempts_here() const {
  return exchange_.record().attempts - delegation_.attempts_before;
}

}  // namespace gatehouse
