#include "proxy/http/exchange.h"

#include <cassert>

#include "common/event_loop.h"
#include "proxy/http/date.h"
#include "proxy/http/error_page.h"

namespace gatehouse {

namespace {

constexpr std::size_t kMostInterimHeads = 8;
constexpr std::uint16_t kStatusOfTheGone = 499;  // for the log only

ExchangeLimits limits_of(const ClientInfo& client) {
  return client.listener ? client.listener->exchange : ExchangeLimits{};
}

}  // namespace

Exchange::Clockwork::Clockwork(Exchange& exchange, ExchangeContext& with, Waker& client_half)
    : context(with),
      client(client_half),
      step(with.loop, [&exchange] { exchange.step(); }),
      watch(
          with.loop, [&exchange] { exchange.watch(); }, Waker::Phase::kFlush),
      request_stall(with.loop, [&exchange] { exchange.fail_and_cancel(Fault::kRequestBodyTimeout); }),
      response_stall(with.loop, [&exchange] { exchange.abandon_client(); }) {}

Exchange::Exchange(ExchangeContext& context, ClientInfo client, RequestHead head, Waker& client_waker)
    : client_(std::move(client)),
      request_(std::move(head)),
      limits_(limits_of(client_)),
      clockwork_(*this, context, client_waker) {
  client_.forwarded_for = origin_said(client_, request_.fields);
  record_.started = context.loop.now();
  record_.started_wall = context.loop.wall_now();
  request_pipe_.set_limit(limits_.max_request_body);
  request_pipe_.set_watcher(&clockwork_.watch);
  request_pipe_.writer().set_waker(&client_waker);
  response_pipe_.set_watcher(&clockwork_.watch);
  response_pipe_.reader().set_waker(&client_waker);
  if (!request_.accepts_trailers) response_pipe_.refuse_trailers();
  clockwork_.step.wake();
  clockwork_.watch.wake();
  context.observer.on_begin(*this);
}

Exchange::Exchange(ExchangeContext& context, ClientInfo client, RequestHead head, Waker& client_waker, Fault fault)
    : Exchange(context, std::move(client), std::move(head), client_waker) {
  progress_.started = true;
  fail(fault);
}

Exchange::~Exchange() {
  responder_.reset();
  if (record_.status == 0) record_.status = kStatusOfTheGone;
  if (!record_.fault && !responded()) record_.fault = Fault::kClientGone;
  clockwork_.context.observer.on_end(*this);
}

std::optional<ResponseHead> Exchange::take_interim() {
  if (progress_.interim.empty()) return std::nullopt;
  ResponseHead head = std::move(progress_.interim.front());
  progress_.interim.erase(progress_.interim.begin());
  return head;
}

bool Exchange::responded() const {
  return response_ && !progress_.broken && response_pipe_.reader().at_end();
}

void Exchange::step() {
  if (progress_.failed) {
    responder_.reset();
    return;
  }
  if (progress_.started) return;
  progress_.started = true;
  responder_ = clockwork_.context.make_responder(*this);
  assert(responder_);
  responder_->start();
}

void Exchange::respond_interim(ResponseHead head) {
  if (response_ || progress_.failed || request_.protocol == Protocol::kH10) return;
  const bool wanted = head.status == 103 || (head.status == 100 && request_.expects_continue);
  if (!wanted || progress_.interim.size() >= kMostInterimHeads) return;
  head.body = BodyLength::none();
  progress_.interim.push_back(std::move(head));
  clockwork_.client.wake();
}

void Exchange::respond(ResponseHead head) {
  assert(progress_.failed || (!response_ && !head.is_interim()));
  if (response_ || progress_.failed || head.is_interim()) return;
  finish_head(head);
  if (!may_have_body(request_.method, head.status)) {
    response_pipe_.promise(0);
    response_pipe_.refuse_trailers();
  } else if (head.body.kind != BodyLength::Kind::kUnknown) {
    response_pipe_.promise(head.body.bytes);
  }
  record_.status = head.status;
  record_.first_byte = clockwork_.context.loop.now() - record_.started;
  response_ = std::move(head);
  clockwork_.client.wake();
  clockwork_.watch.wake();
}

void Exchange::respond(ResponseHead head, std::string_view body) {
  if (response_ || progress_.failed) return;
  const bool has_body = may_have_body(request_.method, head.status);
  head.body = has_body || request_.is_head() ? BodyLength::known(body.size()) : BodyLength::none();
  respond(std::move(head));
  if (has_body && !body.empty()) response_pipe_.writer().write(Buffer(body));
  response_pipe_.writer().finish();
}

void Exchange::fail(Fault fault) {
  fail(fault, FaultDetails{});
}

void Exchange::fail(Fault fault, const FaultDetails& details) {
  // What has been answered completely cannot break any more; only a client that does not read it can (response_stall).
  if (progress_.failed || response_pipe_.writer().ended()) return;
  record_.error = details.error;
  if (response_ || rule(fault).status == 0) {
    break_off(fault);
  } else {
    respond_for(fault, details);
  }
}

void Exchange::fail_request(Fault fault) {
  request_pipe_.writer().fail();
  fail_and_cancel(fault);
}

void Exchange::fail_and_cancel(Fault fault) {
  fail(fault);
  if (progress_.failed) responder_.reset();
}

// Not fail(): an answer that is complete on our side still breaks if nobody reads it.
void Exchange::abandon_client() {
  break_off(Fault::kClientStalled);
  responder_.reset();
}

void Exchange::respond_for(Fault fault, const FaultDetails& details) {
  record_.fault = fault;
  const std::string_view accept = request_.fields.find(FieldName::kAccept).value_or("");
  ErrorPage page = error_page(fault, accept, record_.request_id, details);
  respond(std::move(page.head), page.body);
  progress_.failed = true;
  progress_.interim.clear();
  expect_no_more_request();
  clockwork_.step.wake();
}

void Exchange::break_off(Fault fault) {
  if (progress_.broken) return;
  if (!record_.fault) record_.fault = fault;
  progress_.failed = true;
  progress_.broken = fault;
  response_pipe_.writer().fail();
  expect_no_more_request();
  clockwork_.step.wake();
  clockwork_.client.wake();
}

void Exchange::expect_no_more_request() {
  request_pipe_.reader().abandon();
  clockwork_.request_stall.disarm();
}

bool Exchange::apply_limits(const ExchangeLimits& limits) {
  limits_ = limits;
  request_pipe_.set_limit(limits.max_request_body);
  const BodyLength& body = request_.body;
  const bool too_long = body.kind == BodyLength::Kind::kKnown && body.bytes > limits.max_request_body;
  if (too_long || request_pipe_.over_limit()) fail(Fault::kBodyTooLarge);
  return !progress_.failed;
}

void Exchange::finish_head(ResponseHead& head) const {
  // Alt-Svc speaks of the endpoint's address, which clients cannot reach.
  head.fields.remove_any(FieldName::kAltSvc, FieldName::kConnection, FieldName::kContentLength, FieldName::kKeepAlive,
                         FieldName::kProxyConnection, FieldName::kTransferEncoding, FieldName::kUpgrade);
  if (!head.fields.find(FieldName::kDate)) {
    head.fields.add(FieldName::kDate, http_date(clockwork_.context.loop.wall_now()));
  }
  const bool may_switch = client_.listener && !client_.listener->alt_svc.empty() && client_.protocol != Protocol::kH3;
  if (may_switch) head.fields.add(FieldName::kAltSvc, client_.listener->alt_svc);
}

// Both pipes have come to rest for this turn: what they hold now is what somebody has to wait for.
void Exchange::watch() {
  if (request_pipe_.over_limit() && !request_pipe_.writer().abandoned()) fail_and_cancel(Fault::kBodyTooLarge);
  // A responder that keeps another length than it promised: less, or more, must not look like a clean end (invariant
  // I8).
  if (response_pipe_.reader().failed() && !progress_.broken) break_off(Fault::kInternalError);
  const bool response_ended = response_pipe_.writer().ended();
  if (response_ended && !request_pipe_.writer().ended()) request_pipe_.reader().abandon();
  watch_request_body();
  watch_response_body();
}

// The time between bytes counts only while we would take some: not while the endpoint is what we wait for.
void Exchange::watch_request_body() {
  const BodyWriter& writer = request_pipe_.writer();
  Timer& timer = clockwork_.request_stall;
  if (writer.room() == 0) {
    timer.disarm();
  } else if (!timer.armed() || writer.total() != clockwork_.request_seen) {
    timer.arm(limits_.request_body_timeout);
  }
  clockwork_.request_seen = writer.total();
}

// An answer that leaves in the turn in which it came is the rule; only bytes that were there before and still are after
// the connections have written what they could are worth a timer.
void Exchange::watch_response_body() {
  StallWatch& stall = clockwork_.response_stall;
  if (response_pipe_.reader().available() == 0 || progress_.broken) {
    progress_.stall_suspected = false;
    stall.rest();
  } else if (!progress_.stall_suspected) {
    progress_.stall_suspected = true;
    clockwork_.watch.wake();
  } else {
    stall.wait(limits_.response_write_timeout);
  }
}

}  // namespace gatehouse
