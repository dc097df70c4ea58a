#include "proxy/forward/forwarder.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "common/event_loop.h"
#include "proxy/forward/request_rules.h"
#include "proxy/forward/response_rules.h"
#include "proxy/forward/retry.h"

namespace gatehouse {

Forwarder::Forwarder(Exchange& exchange, const Route& route, UpstreamPools& pools)
    : exchange_(exchange), route_(route), upstream_(std::get<ForwardTo>(route.action).upstream), pools_(pools) {}

// (1) limits, (2) the head as the endpoint shall see it, (3) an endpoint with a free place, or a turn in the line,
// (4) a connection, (5) the exchange on it.
void Forwarder::start() {
  ExchangeRecord& record = exchange_.record();
  record.upstream = upstream_->name();
  if (!exchange_.apply(route_.limits)) return;
  if (request_rules::ends_here(exchange_.request())) {
    exchange_.respond(ResponseHead{.status = 200}, "");
    return;
  }
  target_ = request_rules::stripped_target(exchange_.request(), route_);
  request_rules::apply(exchange_.request(), exchange_.client(), route_, record);
  std::expected<Place, Fault> place = pools_.take_place(*upstream_, {});
  if (place) {
    attempt(*std::move(place), Pool::Kind::kAny);
  } else if (place.error() == Fault::kQueueFull) {
    wait_in_line();
  } else {
    fail(place.error());
  }
}

void Forwarder::wait_in_line() {
  waiting_since_ = exchange_.loop().now();
  if (!pools_.wait(upstream_, *this)) fail(Fault::kQueueFull);
}

void Forwarder::on_place(Place place) {
  exchange_.record().queued = exchange_.loop().now() - waiting_since_;
  attempt(std::move(place), Pool::Kind::kAny);
}

void Forwarder::on_wait_timeout() {
  exchange_.record().queued = exchange_.loop().now() - waiting_since_;
  fail(Fault::kQueueTimeout);
}

void Forwarder::attempt(Place place, Pool::Kind kind) {
  lease_.emplace(pools_.acquire(std::move(place), upstream_->options().pool, kind));
  ExchangeRecord& record = exchange_.record();
  ++record.attempts;
  record.endpoint = lease_->endpoint().name();
  record.upstream_reused = lease_->reused();
  if (!begin()) {
    fail(Fault::kRequestNotWritable);
    return;
  }
  if (lease_->reused()) invite_body();
}

// The endpoint may get another target and Host than the log: they change places while the head is written.
bool Forwarder::begin() {
  RequestHead& head = exchange_.request();
  std::string authority;
  const bool replace_host = !route_.preserve_host || head.authority.empty();
  if (replace_host) authority = std::exchange(head.authority, lease_->endpoint().authority());
  if (!target_.empty()) std::swap(head.target, target_);
  const bool begun = lease_->connection().begin({.head = head,
                                                 .body = exchange_.request_pipe(),
                                                 .answer = exchange_.response_pipe(),
                                                 .limits = exchange_.limits()},
                                                *this);
  if (!target_.empty()) std::swap(head.target, target_);
  if (replace_host) head.authority = std::move(authority);
  return begun;
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
  response_rules::apply_interim(head);
  exchange_.respond_interim(std::move(head));
}

void Forwarder::on_head(ResponseHead head) {
  auto& by_class = lease_->counters().requests_by_class;
  by_class[std::min<std::size_t>(head.status / 100, by_class.size() - 1)].add();
  response_rules::apply(head, route_);
  exchange_.respond(std::move(head));
}

void Forwarder::on_done(bool reusable) {
  if (reusable) lease_->put_back();
  lease_.reset();
}

void Forwarder::on_fault(const UpstreamConnection::Failure& failure) {
  count_connect(failure.fault);
  const std::optional<RetryReason> reason =
      retry::decide({.failure = failure,
                     .idempotent = exchange_.request().is_idempotent(),
                     .body_untouched = exchange_.request_pipe().reader().total() == 0,
                     .attempts = exchange_.record().attempts});
  std::optional<Place> place;
  if (reason) place = place_for_retry(*reason);
  if (!place) {
    // The body's own fault is known to the pipe, if it is one of size.
    const bool too_large = failure.fault == Fault::kRequestBodyInvalid && exchange_.request_pipe().over_limit();
    fail(too_large ? Fault::kBodyTooLarge : failure.fault);
    return;
  }
  pools_.counters(upstream_->name()).retries[static_cast<std::size_t>(*reason)].add();
  attempt(*std::move(place), *reason == RetryReason::kConnect ? Pool::Kind::kAny : Pool::Kind::kFresh);
}

std::optional<Place> Forwarder::place_for_retry(RetryReason reason) {
  if (reason != RetryReason::kConnect) return lease_->give_up();
  tried_.push_back(&lease_->endpoint());
  std::expected<Place, Fault> place = pools_.take_place(*upstream_, tried_);
  if (!place) return std::nullopt;
  return *std::move(place);
}

void Forwarder::count_connect(Fault fault) {
  EndpointCounters& counters = lease_->counters();
  switch (fault) {
    case Fault::kConnectRefused:
      counters.connects_refused.add();
      break;
    case Fault::kConnectFailed:
      counters.connects_failed.add();
      break;
    case Fault::kConnectTimeout:
      counters.connects_timeout.add();
      break;
    default:
      break;
  }
}

void Forwarder::fail(Fault fault) {
  if (lease_ && !exchange_.response()) lease_->counters().requests_by_class[0].add();
  lease_.reset();
  exchange_.fail(fault);
}

}  // namespace gatehouse
