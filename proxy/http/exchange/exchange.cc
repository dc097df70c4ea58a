#include "proxy/http/exchange/exchange.h"

#include <algorithm>
#include <cassert>
#include <chrono>

#include "common/event_loop.h"
#include "common/text.h"
#include "proxy/http/asserted_fields.h"
#include "proxy/http/date.h"
#include "proxy/http/error_page.h"
#include "proxy/http/grpc.h"
#include "proxy/http/request_id.h"

namespace gatehouse {

namespace {

constexpr std::size_t kMostInterimHeads = 8;
constexpr std::uint16_t kStatusOfTheGone = 499;  // for the log only
constexpr std::chrono::seconds kHalfClosedTunnel{30};

ExchangeLimits limits_of(const ClientInfo& client) {
  return client.listener ? client.listener->exchange : ExchangeLimits{};
}

// Of an exchange whose responder was never made.
std::string id_of(const FieldList& fields, const ClientInfo& client) {
  using namespace asserted_fields;
  const FieldList nothing_said;
  const bool may_say = judge(canonical_text(FieldName::kXRequestId), Speaker::of(client)) == Verdict::kStays;
  return settled_request_id(may_say ? fields : nothing_said);
}

}  // namespace

Exchange::Clockwork::Clockwork(Exchange& exchange, ExchangeContext& with, Waker& client_half)
    : context(with),
      client(client_half),
      step(with.loop, [&exchange] { exchange.step(); }),
      watch(
          with.loop, [&exchange] { exchange.watch(); }, Waker::Phase::kFlush),
      request_watch(with.loop, [&exchange](Fault fault) { exchange.fail_and_cancel(fault); }),
      response_stall(with.loop, [&exchange] { exchange.abandon_client(exchange.clockwork_.response_stall.fault()); }) {}

Exchange::Valves::Valves(Exchange& exchange, RouteThrottle& throttle)
    : request(exchange.loop(), exchange.request_pipe_, throttle.requests),
      response(exchange.loop(), exchange.response_pipe_, throttle.responses) {}

Exchange::Tunnel::Tunnel(Exchange& exchange)
    : idle(exchange.loop(), [&exchange] { exchange.fail_and_cancel(Fault::kTunnelTimeout); }) {}

Exchange::Exchange(ExchangeContext& context, ClientInfo client, RequestHead head, Waker& client_waker)
    : client_(std::move(client)),
      request_(std::move(head)),
      limits_(limits_of(client_)),
      clockwork_(*this, context, client_waker) {
  client_.forwarded_for = origin_said(client_, request_.fields);
  record_.started = context.loop.now();
  record_.started_wall = context.loop.wall_now();
  request_pipe_.set_limit(request_limit());
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
  if (const Valves* const valves = clockwork_.valves.get()) {
    record_.throttled = valves->request.waited() + valves->response.waited();
  }
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

bool Exchange::awaits_continue() const {
  const BodyWriter& body = request_pipe_.writer();
  return request_.expects_continue && body.total() == 0 && !body.ended();
}

// RFC 9110 section 15.2: a proxy forwards what it has not asked for itself.
void Exchange::respond_interim(ResponseHead head) {
  if (response_ || progress_.failed || request_.protocol == Protocol::kH10) return;
  const bool invites = head.status == 100;
  const bool wanted = invites ? awaits_continue() : head.status != 101;
  // An invitation has its place beyond the others: a client that does not get it would wait for ever.
  if (!wanted || (!invites && progress_.interim.size() >= kMostInterimHeads)) return;
  if (invites) {
    request_.expects_continue = false;
    clockwork_.watch.wake();
  }
  head.body = BodyLength::none();
  progress_.interim.push_back(std::move(head));
  clockwork_.client.wake();
}

void Exchange::respond(ResponseHead head) {
  assert(progress_.failed || (!response_ && !head.is_interim()));
  assert(!head.opens_tunnel() || request_.asks_for_tunnel());
  if (response_ || progress_.failed || head.is_interim()) return;
  const bool passes_for_tunnel = head.status / 100 == 2 && request_.asks_for_tunnel() && is_binary(request_.protocol);
  if (passes_for_tunnel) return fail(Fault::kUpgradeRefused);
  finish_head(head);
  if (head.opens_tunnel()) {
    head.body = BodyLength::unknown();
    response_pipe_.refuse_trailers();
  } else if (!may_have_body(request_.method, head.status)) {
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
  if (in_tunnel()) open_tunnel();
}

void Exchange::open_tunnel() {
  clockwork_.tunnel = std::make_unique<Tunnel>(*this);
  Tunnel& tunnel = *clockwork_.tunnel;
  tunnel.entry.enter(clockwork_.context.tunnels, *this);
  if (request_.asks_for_websocket()) {
    request_pipe_.follow_frames(&tunnel.from_client);
    response_pipe_.follow_frames(&tunnel.from_server);
  }
  clockwork_.context.observer.on_tunnel(*this);
}

void Exchange::leave_tunnel() {
  using From = WebSocketFrames::From;
  Tunnel& tunnel = *clockwork_.tunnel;
  const auto may_end = [](const WebSocketFrames& frames, const BodyWriter& writer) {
    return writer.ended() || frames.between_frames();
  };
  const auto end = [](const WebSocketFrames& frames, BodyWriter& writer, From as) {
    if (writer.ended()) return;
    if (frames.closed()) return writer.finish();
    writer.finish_with(WebSocketFrames::going_away(as));
  };
  const bool said = request_.asks_for_websocket() && may_end(tunnel.from_client, request_pipe_.writer()) &&
                    may_end(tunnel.from_server, response_pipe_.writer());
  if (!said) return fail_and_cancel(Fault::kDrained);
  record_.fault = Fault::kDrained;
  end(tunnel.from_client, request_pipe_.writer(), From::kClient);
  end(tunnel.from_server, response_pipe_.writer(), From::kServer);
}

void Exchange::respond(ResponseHead head, std::string_view body) {
  if (response_ || progress_.failed) return;
  const bool has_body = may_have_body(request_.method, head.status);
  head.body = has_body || request_.is_head() ? BodyLength::known(body.size()) : BodyLength::none();
  respond(std::move(head));
  if (progress_.failed) return;
  if (has_body && !body.empty()) response_pipe_.writer().write(Buffer(body));
  response_pipe_.writer().finish();
}

void Exchange::fail(Fault fault) {
  fail(fault, FaultDetails{});
}

void Exchange::fail(Fault fault, const FaultDetails& details) {
  // What has been answered completely cannot break any more; only a client that does not read it can (response_stall).
  if (progress_.failed || complete()) return;
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
void Exchange::abandon_client(Fault fault) {
  break_off(fault);
  responder_.reset();
}

Patience Exchange::patience() const {
  if (in_tunnel()) return {.silence = limits_.tunnel_timeout};
  Patience patience = limits_.patience();
  if (is_grpc(request_)) patience.min_rate = 0;
  return patience;
}

void Exchange::slow_down(RouteThrottle& throttle) {
  assert(!responder_);
  clockwork_.valves = std::make_unique<Valves>(*this, throttle);
}

void Exchange::respond_for(Fault fault, const FaultDetails& details) {
  record_.fault = fault;
  if (record_.request_id.empty()) record_.request_id = id_of(request_.fields, client_);
  std::string accept;
  for (const Field field : request_.fields) {
    if (field.id == FieldName::kAccept) text::add_to_list(accept, field.value);
  }
  ErrorPage page = error_page(fault, accept, record_.request_id, details);
  if (is_grpc(request_)) {
    grpc::make_trailers_only(page, fault, *request_.fields.find(FieldName::kContentType));
  }
  say_request_id(page.head.fields, record_.request_id);
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

void Exchange::reset(ResetCodes codes) {
  if (progress_.failed) return;
  record_.fault = Fault::kResetByEndpoint;
  progress_.codes = codes;
  if (response_) {
    response_pipe_.revoke_end();  // and watch() sees to the rest once the body has been taken
  } else {
    record_.status = rule(Fault::kResetByEndpoint).status;
    break_off(Fault::kResetByEndpoint);
  }
}

void Exchange::expect_no_more_request() {
  request_pipe_.reader().abandon();
  clockwork_.request_watch.rest({.total = bytes_in()});
  if (clockwork_.tunnel) clockwork_.tunnel->idle.disarm();
}

bool Exchange::complete() const {
  return response_pipe_.writer().ended() && (!in_tunnel() || request_pipe_.writer().ended());
}

// What comes through a tunnel is no body.
std::uint64_t Exchange::request_limit() const {
  return request_.asks_for_tunnel() ? kUnlimited : limits_.max_request_body;
}

bool Exchange::apply_limits(const ExchangeLimits& limits) {
  limits_ = limits;
  request_pipe_.set_limit(request_limit());
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
  if (!progress_.proof.empty()) [[unlikely]] {
    head.fields.add(FieldName::kWwwAuthenticate, progress_.proof);
  }
  if (!client_.listener || client_.protocol == Protocol::kH3 || progress_.withholds_alt_svc) return;
  if (const std::string_view value = client_.listener->alt_svc_now(); !value.empty()) {
    head.fields.add(FieldName::kAltSvc, value);
  }
}

// Both pipes have come to rest for this turn: what they hold now is what somebody has to wait for.
void Exchange::watch() {
  if (request_pipe_.over_limit() && !request_pipe_.writer().abandoned()) fail_and_cancel(Fault::kBodyTooLarge);
  // A responder that keeps another length than it promised: less, or more, must not look like a clean end (invariant
  // I8).
  if (response_pipe_.reader().failed() && !progress_.broken) settle_failed_response();
  if (in_tunnel()) return watch_tunnel();
  const bool response_ended = response_pipe_.writer().ended();
  if (response_ended && !request_pipe_.writer().ended()) request_pipe_.reader().abandon();
  watch_request_body();
  watch_response_body();
}

void Exchange::settle_failed_response() {
  if (!progress_.codes) return break_off(Fault::kInternalError);
  if (response_pipe_.reader().available() == 0 && response_pipe_.held() == 0) break_off(Fault::kResetByEndpoint);
}

// Not while the endpoint or our own throttle is what we wait for, nor while the client waits for its word. Once the answer
// has begun, and in gRPC, the two talk with each other as they like.
bool Exchange::awaits_request() const {
  if (request_pipe_.writer().room() == 0) return false;
  return !response_ && !awaits_continue() && request_pipe_.held() == 0 && !request_.asks_for_tunnel() &&
         !is_grpc(request_);
}

void Exchange::watch_request_body() {
  const bool awaited = awaits_request();
  if (!awaited && clockwork_.request_watch.rests(bytes_in())) return;
  const UploadWatch::Upload upload{.total = bytes_in(),
                                   .starved = request_pipe_.reader().available() == 0,
                                   .silence = limits_.request_body_timeout,
                                   .min_rate = limits_.min_request_rate};
  if (awaited) {
    clockwork_.request_watch.wait(upload);
  } else {
    clockwork_.request_watch.rest(upload);
  }
}

void Exchange::watch_tunnel() {
  const bool request_ended = request_pipe_.writer().ended();
  const bool response_ended = response_pipe_.writer().ended();
  Tunnel& tunnel = *clockwork_.tunnel;
  if (progress_.broken || (request_ended && response_ended)) return tunnel.idle.disarm();
  const std::uint64_t moved = bytes_in() + bytes_out() + (request_ended || response_ended ? 1 : 0);
  if (tunnel.idle.armed() && moved == tunnel.moved) return;
  tunnel.moved = moved;
  const std::chrono::milliseconds half = std::min<std::chrono::milliseconds>(limits_.tunnel_timeout, kHalfClosedTunnel);
  tunnel.idle.arm(request_ended || response_ended ? half : limits_.tunnel_timeout);
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
    stall.wait(patience());
  }
}

}  // namespace gatehouse
