#include "proxy/forward/forwarder.h"

#include <algorithm>
#include <chrono>
#include <span>
#include <string_view>
#include <utility>
#include <variant>

#include "common/event_loop.h"
#include "proxy/forward/affinity.h"
#include "proxy/forward/connection_auth.h"
#include "proxy/forward/request_rules.h"
#include "proxy/forward/response_rules.h"
#include "proxy/http/error_page.h"

namespace gatehouse {

namespace {

constexpr std::string_view kPairingToken = "MS-ASPNETCORE-TOKEN";
constexpr std::chrono::milliseconds kSettling{50};  // then the end of a process is known

}  // namespace

Forwarder::Forwarder(Exchange& exchange, const Route& route, UpstreamPools& pools)
    : exchange_(exchange), route_(route), upstream_(std::get<ForwardTo>(route.action).upstream), pools_(pools) {}

void Forwarder::start() {
  ExchangeRecord& record = exchange_.record();
  record.upstream = upstream_->name();
  // (1) the route's limits, and loops
  if (!exchange_.apply_limits(route_.limits)) return;
  if (request_ends_here(exchange_.request())) {
    exchange_.respond(ResponseHead{.status = 200}, "");
    return;
  }
  if (request_has_come_back(exchange_.request(), exchange_.client(), route_)) return fail(Fault::kLoopDetected);
  // (2) the head as the endpoint shall see it
  target_ = stripped_target(exchange_.request(), route_);
  apply_request_rules(exchange_.request(), exchange_.client(), route_, record.request_id);
  // (3) an endpoint with a free permit, or a turn in the line
  std::expected<Permit, NoPermit> permit = pools_.take_permit(upstream_, pick_request());
  if (permit) {
    attempt(*std::move(permit), Pool::Kind::kAny);
  } else if (permit.error() == NoPermit::kRefused) {
    on_refused(pools_.set_of(upstream_)->refusal);
  } else {
    wait_in_line(permit.error());
  }
}

PickRequest Forwarder::pick_request() const {
  const UpstreamOptions& options = upstream_->options();
  const RequestHead& head = exchange_.request();
  PickRequest request{.tried = std::span(tried_).first(tried_count_)};
  if (options.balance == Balance::kHash) request.key = affinity::key(head, exchange_.client(), options);
  if (!options.sticky_cookie.empty()) request.cookie = affinity::cookie(head.fields, options.sticky_cookie);
  return request;
}

void Forwarder::wait_in_line(NoPermit why) {
  lease_.reset();
  tried_count_ = 0;
  waiting_since_ = exchange_.loop().now();
  if (!pools_.wait(upstream_, *this)) fail(why == NoPermit::kNoRoom ? Fault::kOutOfResources : Fault::kQueueFull);
}

void Forwarder::on_permit(Permit permit) {
  note_waiting();
  attempt(std::move(permit), exchange_.record().attempts == 0 ? Pool::Kind::kAny : Pool::Kind::kFresh);
}

void Forwarder::on_wait_timeout(NoPermit why) {
  note_waiting();
  fail(why == NoPermit::kNoRoom ? Fault::kOutOfResources : Fault::kQueueTimeout);
}

// The first look finds out as well that there is none.
void Forwarder::on_refused(const Refusal& refusal) {
  if (waiting_since_ != MonotonicTime{}) note_waiting();
  end_lease();
  exchange_.fail(refusal.fault, {.retry_after = refusal.retry_after,
                                 .body = refusal.body,
                                 .content_type = refusal.content_type,
                                 .cause = client_may_know() ? std::string_view(refusal.detail) : std::string_view()});
}

// Of names, addresses and output that are nobody else's business.
bool Forwarder::client_may_know() const {
  const ClientInfo& client = exchange_.client();
  return upstream_->options().detailed_errors && client.address.is_loopback() && client.origin().is_loopback();
}

void Forwarder::note_waiting() {
  ExchangeRecord& record = exchange_.record();
  record.queued = record.queued.value_or(Duration::zero()) + (exchange_.loop().now() - waiting_since_);
  waiting_since_ = {};
}

// (4) a connection
void Forwarder::attempt(Permit permit, Pool::Kind kind) {
  lease_.emplace(pools_.acquire(std::move(permit), upstream_->options().pool, kind));
  ExchangeRecord& record = exchange_.record();
  ++record.attempts;
  record.endpoint = lease_->endpoint()->name();
  record.app_pid = lease_->endpoint()->pid();
  record.upstream_reused = lease_->reused();
  private_ = connection_auth::binds(exchange_.request());
  if (!begin()) {
    fail(Fault::kRequestNotWritable);
    return;
  }
  if (lease_->reused()) invite_body();
}

// (5) the exchange on the connection. Nobody but the endpoint ever sees its token.
bool Forwarder::begin() {
  RequestHead& head = exchange_.request();
  const Endpoint& endpoint = *lease_->endpoint();
  const bool has_token = !endpoint.pairing_token().empty();
  if (has_token) head.fields.remove(kPairingToken);
  const bool replaces_host = !route_.preserve_host || head.authority.empty();
  return lease_->connection().begin(
      {.head = head,
       .overlay = {.authority = replaces_host ? std::string_view(endpoint.authority()) : std::string_view(),
                   .target = target_,
                   .extra_name = has_token ? kPairingToken : std::string_view(),
                   .extra_value = endpoint.pairing_token()},
       .body = exchange_.request_pipe(),
       .response = exchange_.response_pipe(),
       .limits = exchange_.limits()},
      *this);
}

void Forwarder::on_connected(Duration took) {
  exchange_.record().connected = took;
  lease_->counters().connects_ok.add();
  invite_body();
}

// RFC 9110 section 10.1.1: a client that waits for 100 gets it from us, as soon as there is somebody to send the body
// to.
void Forwarder::invite_body() {
  if (exchange_.request().expects_continue && exchange_.request_pipe().writer().total() == 0) {
    exchange_.respond_interim(ResponseHead{.status = 100});
  }
}

void Forwarder::on_interim(ResponseHead head) {
  apply_interim_response_rules(head);
  exchange_.respond_interim(std::move(head));
}

// (6) the head as the client shall see it
void Forwarder::on_head(ResponseHead head) {
  auto& by_class = lease_->counters().requests_by_class;
  by_class[std::min<std::size_t>(head.status / 100, by_class.size() - 1)].add();
  judge_endpoint(retry::is_endpoints_fault(head.status));
  private_ = private_ || connection_auth::binds(head);
  apply_response_rules(head, route_);
  stick(head);
  exchange_.respond(std::move(head));
}

// (7) the connection goes back. One that has an identity is nobody else's: it ends with its exchange.
void Forwarder::on_done(bool reusable) {
  if (reusable && private_) lease_->counters().closed_private.add();
  if (reusable && !private_) lease_->put_back();
  lease_.reset();
}

// The affinity cookie, where the client has none that is as good.
void Forwarder::stick(ResponseHead& head) {
  const std::string& name = upstream_->options().sticky_cookie;
  if (name.empty()) return;
  const std::string_view sent = affinity::cookie(exchange_.request().fields, name);
  const std::string_view value = pools_.new_cookie(upstream_, *lease_->endpoint(), sent);
  if (value.empty()) return;
  head.fields.add(FieldName::kSetCookie, affinity::set_cookie(name, value, exchange_.request().secure));
}

void Forwarder::on_fault(const UpstreamConnection::Failure& failure) {
  note_failure(failure);
  decide_on(failure, false);
}

// A copy of the failure: the timer that holds the other one may be replaced meanwhile.
void Forwarder::decide_on(UpstreamConnection::Failure failure, bool settled) {
  const std::optional<retry::Decision> decision = retry::decide(facts_of(failure, settled));
  if (decision && try_again(*decision)) return;
  if (!decision || decision->where != retry::Where::kOtherOrLater) return give_up(failure);
  settling_ = std::make_unique<Timer>(exchange_.loop(), [this, failure] { decide_on(failure, true); });
  settling_->arm(kSettling);
}

retry::Facts Forwarder::facts_of(const UpstreamConnection::Failure& failure, bool settled) {
  const Endpoint& endpoint = *lease_->endpoint();
  return {.failure = failure,
          .idempotent = exchange_.request().is_idempotent(),
          .body_untouched = exchange_.request_pipe().reader().total() == 0,
          .app = endpoint.pid() != 0,
          .gone = endpoint.has(Obstacle::kNotServing) || !pools_.is_member(upstream_, endpoint),
          .settled = settled,
          .attempts = exchange_.record().attempts};
}

// Returns true if it goes on, or has been refused by what is known of the upstream now.
bool Forwarder::try_again(const retry::Decision& decision) {
  UpstreamCounters& counters = pools_.counters(upstream_);
  RetryBudget& budget = pools_.budget(upstream_);
  if (decision.costs && !budget.allows(exchange_.loop().now())) {
    counters.retries_denied.add();
    return false;
  }
  std::expected<Permit, NoPermit> permit = permit_for_retry(decision.where);
  const bool may_wait = decision.where == retry::Where::kOtherOrWait;
  if (!permit && !may_wait) return false;
  if (!permit && permit.error() == NoPermit::kRefused) {
    on_refused(pools_.set_of(upstream_)->refusal);
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
  if (tried_count_ < tried_.size()) tried_[tried_count_++] = failed;
  std::expected<Permit, NoPermit> permit = pools_.take_permit(upstream_, pick_request());
  if (!permit && where == retry::Where::kOtherOrSame) return lease_->give_up();
  return permit;
}

void Forwarder::note_failure(const UpstreamConnection::Failure& failure) {
  EndpointCounters& counters = lease_->counters();
  if (failure.fault == Fault::kConnectRefused) counters.connects_refused.add();
  if (failure.fault == Fault::kConnectFailed) counters.connects_failed.add();
  if (failure.fault == Fault::kConnectTimeout) counters.connects_timeout.add();
  if (failure.fault == Fault::kForeignListener) counters.connects_foreign.add();
  if (failure.fault == Fault::kOutOfResources) {
    counters.connects_out_of_resources.add();
    pools_.note_out_of_resources(*lease_->endpoint(), failure.error);
  }
  if (retry::is_endpoints_fault(failure)) judge_endpoint(true);
  // Its process may have ended without anybody having noticed yet.
  if (!nobody_listens(failure.fault) || lease_->endpoint()->pid() == 0) return;
  if (pools_.set_of(upstream_)->when_none == EndpointSet::WhenNone::kWait) pools_.lost(lease_->endpoint());
}

void Forwarder::judge_endpoint(bool failed) {
  const std::shared_ptr<Endpoint>& endpoint = lease_->endpoint();
  if (!failed) {
    endpoint->succeeded();
    return;
  }
  const std::uint32_t limit = upstream_->options().failures_to_eject;
  const std::uint32_t in_row = endpoint->failed();
  if (limit != 0 && in_row % limit == 0) upstream_->membership().keeps_failing(endpoint);
}

// Where one endpoint refuses, that is what there is to say; where several do, the upstream is down.
void Forwarder::give_up(const UpstreamConnection::Failure& failure) {
  Fault fault = failure.fault;
  const auto tried = std::span(tried_).first(tried_count_);
  const bool others =
      std::ranges::any_of(tried, [&](const Endpoint* each) { return each != lease_->endpoint().get(); });
  // The body's own fault is known to the pipe, if it is one of size.
  const bool too_large = fault == Fault::kRequestBodyInvalid && exchange_.request_pipe().over_limit();
  if (nobody_listens(fault) && others) fault = Fault::kNoHealthyEndpoint;
  fail(too_large ? Fault::kBodyTooLarge : fault, failure.error);
}

void Forwarder::fail(Fault fault, int error) {
  end_lease();
  exchange_.fail(fault,
                 {.next_hop = client_may_know() ? std::string_view(exchange_.record().endpoint) : "", .error = error});
}

void Forwarder::end_lease() {
  if (lease_ && !exchange_.response()) lease_->counters().requests_by_class[0].add();
  lease_.reset();
}

}  // namespace gatehouse
