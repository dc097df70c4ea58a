#include "proxy/upstream/upstream_connection.h"

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <chrono>
#include <utility>

#include "common/event_loop.h"
#include "common/log_limit.h"
#include "common/text.h"

namespace gatehouse {

namespace {

// How much earlier than the endpoint we give up an idle connection, so that it does not close it under a request.
constexpr std::chrono::seconds kKeepAliveMargin{1};
constexpr std::uint64_t kLongestKeepAlive = 24UL * 3600;
constinit log::Limited failed_handshakes("failed TLS handshakes with endpoints");

}  // namespace

UpstreamConnection::UpstreamConnection(EventLoop& loop, std::shared_ptr<Endpoint> endpoint,
                                       std::move_only_function<void(UpstreamConnection&, IdleEnd)> idle_ended,
                                       DescriptorBudget::Permit permit)
    : loop_(loop),
      permit_(std::move(permit)),
      endpoint_(std::move(endpoint)),
      idle_ended_(std::move(idle_ended)),
      waker_(loop, [this] { pump(); }),
      timer_(loop, [this] { expire(); }) {}

UpstreamConnection::~UpstreamConnection() {
  abandon();
}

bool UpstreamConnection::begin(const Turn& turn, User& user) {
  assert(state_ == State::kNew || state_ == State::kIdle);
  if (!wire_.sender.begin(turn.head, turn.overlay, turn.body, waker_)) return false;
  if (turn.holds_body) wire_.sender.hold_body();
  wire_.response.begin(
      {.method = turn.head.method, .may_open_tunnel = !turn.overlay.upgrade.empty(), .tolerance = turn.tolerance},
      turn.response, waker_);
  wire_.request = &turn.body;
  user_ = &user;
  limits_ = &turn.limits;
  if (state_ == State::kNew) {
    state_ = State::kConnecting;
    history_.since = loop_.now();
    const Address& at = endpoint_->address();
    wire_.connector =
        std::make_unique<Connector>(loop_,
                                    Connector::Target{.address = at,
                                                      .other = endpoint_->beside(at),
                                                      .listening_user = endpoint_->listening_user(),
                                                      .tls = endpoint_->tls(),
                                                      .introduction = std::string(turn.introduction)},
                                    [this](Connector::Outcome outcome) { on_connect(std::move(outcome)); });
    wait(Wait::kConnect, limits_->connect_timeout);
    return true;
  }
  state_ = State::kBusy;
  waiting_ = {};
  timer_.disarm();
  if (idle_for() == Duration::zero()) {
    wait_for_turn();
  } else {
    waker_.wake();
  }
  return true;
}

void UpstreamConnection::abandon() {
  state_ = State::kDead;
  user_ = nullptr;
  wire_.sender.stop();
  wire_.response.stop();
  if (wire_.stream) wire_.stream->set_user(nullptr);
  wire_.connector.reset();
  waker_.cancel();
  timer_.disarm();
}

void UpstreamConnection::release_body() {
  wire_.sender.release_body();
  waker_.wake();
}

bool UpstreamConnection::drop_response() {
  user_ = nullptr;
  return come_to_rest(wire_.response.drop_body());
}

void UpstreamConnection::rest(Duration at_most) {
  assert(state_ == State::kIdle);
  history_.since = loop_.now();
  wait(Wait::kIdle, std::min(at_most, history_.keep_alive));
}

Duration UpstreamConnection::idle_for() const {
  return loop_.now() - history_.since;
}

// While it is idle the poller may still tell of bytes that were read before: then all is well.
void UpstreamConnection::on_readable() {
  if (state_ == State::kIdle) {
    if (!is_silent()) idle_ended_(*this, history_.extra_bytes ? IdleEnd::kSpoke : IdleEnd::kClosed);
    return;
  }
  if (waiting_.what == Wait::kTurn) waiting_ = {};
  pump();
}

void UpstreamConnection::on_writable() {
  pump();
}

void UpstreamConnection::on_connect(Connector::Outcome outcome) {
  if (outcome) endpoint_->found_at(wire_.connector->address());
  loop_.retire(std::move(wire_.connector));  // this is its call
  if (!outcome) return fail_to_connect(outcome.error());
  wire_.stream = *std::move(outcome);
  wire_.stream->set_user(this);
  state_ = State::kBusy;
  waker_.wake();
  user_->on_connected(loop_.now() - history_.since);
}

void UpstreamConnection::fail_to_connect(const Connector::Failure& failure) {
  if (!failure.why.empty()) {
    failed_handshakes.info("{}: TLS with {} of {} failed: {}", rule(failure.fault).label, endpoint_->name(),
                           endpoint_->upstream(), failure.why);
  }
  fail(failure.fault, failure.error);
}

// Moves what can be moved in both directions. What there is to tell comes one at a time, each as the last statement;
// the waker brings the rest.
void UpstreamConnection::pump() {
  if (state_ != State::kBusy || waiting_.what == Wait::kTurn || !send()) return;
  // A socket that takes nothing any more may still hold an answer: too large, not allowed.
  const bool begun = wire_.response.begun();
  if (wire_.response.ended()) return end_tunnel();
  const ResponseReader::Event event = wire_.response.read(wire_.stream->bytes());
  if (!begun && wire_.response.begun() && is_unasked()) {
    history_.extra_bytes = true;
    fail(Fault::kUpstreamClosed);
    return;
  }
  switch (event) {
    case ResponseReader::Event::kWaiting:
    case ResponseReader::Event::kNoRoom:
      set_timer();
      return;
    case ResponseReader::Event::kInterim:
      set_timer();
      waker_.wake();
      user_->on_interim(wire_.response.take_head());
      return;
    case ResponseReader::Event::kHead:
      on_head();
      return;
    case ResponseReader::Event::kEnd:
      if (wire_.response.in_tunnel()) return end_tunnel();
      finish();
      return;
    case ResponseReader::Event::kFault:
      fail(!wire_.response.begun() && wire_.stream->refused_us() ? Fault::kUpstreamTlsAlert : wire_.response.fault());
      return;
  }
}

// Returns false if nothing is to be read now.
bool UpstreamConnection::send() {
  const bool untouched = reused() && wire_.sender.taken() == 0;
  if (untouched && !is_silent()) {
    fail(Fault::kUpstreamClosed);
    return false;
  }
  if (untouched) wire_.stream->begin_request();
  const RequestSender::State state = wire_.sender.send(*wire_.stream);
  if (state == RequestSender::State::kBodyFailed) {
    fail(Fault::kRequestBodyInvalid);
    return false;
  }
  if (!untouched || wire_.sender.taken() > 0) return true;
  // Before anything was asked there is no answer.
  if (state == RequestSender::State::kBroken) {
    fail(Fault::kUpstreamReset);
  } else {
    set_timer();
  }
  return false;
}

// Asks the socket, not the poller: on a busy worker a turn is long.
bool UpstreamConnection::is_silent() {
  const IoStatus status = wire_.stream->peek();
  if (status == IoStatus::kOk) history_.extra_bytes = true;
  return status == IoStatus::kWouldBlock;
}

// Whether the first bytes that came were sent before anything of the request had arrived. Every segment acknowledges
// all that has arrived by then (RFC 9293 section 3.10.7.4), so that the one with an answer, and whatever comes behind
// it, acknowledges a part of its request; here nothing is acknowledged. A Unix socket says no such thing.
bool UpstreamConnection::is_unasked() const {
  return reused() && !endpoint_->address().is_unix() && wire_.stream->nothing_acknowledged(wire_.sender.taken());
}

// A timer that is armed by an event may be due in the same turn; the second time it is not.
void UpstreamConnection::wait_for_turn() {
  waiting_.moved = 2;
  wait(Wait::kTurn, Duration::zero());
}

void UpstreamConnection::on_head() {
  ResponseHead head = wire_.response.take_head();
  learn_keep_alive(head.fields);
  if (head.opens_tunnel()) {
    wire_.sender.open_tunnel(*wire_.request, waker_);
  } else if (wire_.sender.state() == RequestSender::State::kBroken) {
    wire_.sender.abandon_body();
  }
  set_timer();
  waker_.wake();
  user_->on_head(std::move(head));
}

// The endpoint has ended its half of a tunnel. The client's may go on for as long as the exchange lets it.
void UpstreamConnection::end_tunnel() {
  const RequestSender::State sent = wire_.sender.state();
  if (sent == RequestSender::State::kDone || sent == RequestSender::State::kBroken) return finish();
  wait(Wait::kNothing, {});
}

// An answer that came before the end of its request leaves the rest of that on the wire: never reused.
void UpstreamConnection::finish() {
  if (wire_.sender.state() != RequestSender::State::kDone) wire_.sender.abandon_body();
  const bool reusable = come_to_rest(true);
  std::exchange(user_, nullptr)->on_done(reusable);
}

bool UpstreamConnection::come_to_rest(bool ended) {
  const bool request_sent = wire_.sender.state() == RequestSender::State::kDone;
  const bool reusable =
      ended && request_sent && history_.keep_alive > Duration::zero() && wire_.response.reusable(wire_.stream->bytes());
  history_.extra_bytes = wire_.response.has_extra_bytes();
  wire_.sender.stop();
  ++history_.carried;
  state_ = reusable ? State::kIdle : State::kDead;
  waker_.cancel();
  timer_.disarm();
  return reusable;
}

void UpstreamConnection::fail(Fault fault, int error) {
  const bool responded = wire_.response.begun() && !has_extra_bytes();
  const Failure failure{.fault = fault,
                        .reused = reused(),
                        .responded = responded,
                        .unread = provably_unread(),
                        .unsent = state_ == State::kBusy && !wire_.response.begun() && wire_.sender.taken() == 0,
                        .error = error};
  User& user = *user_;
  abandon();
  user.on_fault(failure);
}

// Counts on from the last progress in either direction.
void UpstreamConnection::set_timer() {
  const Wait what = waits_for();
  const std::uint64_t moved = wire_.sender.taken() + wire_.response.received();
  if (what == waiting_.what && moved == waiting_.moved) return;
  waiting_.moved = moved;
  wait(what, what == Wait::kResponse ? limits_->response_timeout : limits_->response_body_timeout);
}

// The client's own slowness is for the exchange to judge: nothing is expected of the endpoint while it is the client
// who has to send or to read. Once the answer has begun nobody has to send: that both are silent is for the endpoint to
// end.
UpstreamConnection::Wait UpstreamConnection::waits_for() const {
  // In a tunnel the exchange watches both directions together.
  if (wire_.response.waits_for_room() || wire_.response.in_tunnel()) return Wait::kNothing;
  if (wire_.response.head_seen()) return Wait::kResponseBody;
  return wire_.sender.state() == RequestSender::State::kNeedsBody ? Wait::kNothing : Wait::kResponse;
}

void UpstreamConnection::wait(Wait what, Duration at_most) {
  waiting_.what = what;
  if (what == Wait::kNothing) {
    timer_.disarm();
  } else {
    timer_.arm(at_most);
  }
}

void UpstreamConnection::expire() {
  switch (waiting_.what) {
    case Wait::kNothing:
      return;
    case Wait::kConnect:
      fail(wire_.connector->shaking_hands() ? Fault::kUpstreamTlsTimeout : Fault::kConnectTimeout);
      return;
    case Wait::kTurn:
      if (--waiting_.moved > 0) {
        wait(Wait::kTurn, Duration::zero());
        return;
      }
      waiting_ = {};
      pump();
      return;
    case Wait::kResponse:
      fail(Fault::kUpstreamTimeout);
      return;
    case Wait::kResponseBody:
      fail(Fault::kUpstreamBodyTimeout);
      return;
    case Wait::kIdle:
      idle_ended_(*this, IdleEnd::kTimedOut);
      return;
  }
}

// "Keep-Alive: timeout=5, max=100" (RFC 2068 section 19.7.1.1, which everybody still speaks).
void UpstreamConnection::learn_keep_alive(const FieldList& fields) {
  const auto value = fields.find(FieldName::kKeepAlive);
  if (!value) return;
  std::string_view rest = *value;
  while (!rest.empty()) {
    const std::size_t comma = rest.find(',');
    const std::string_view parameter = text::trim(rest.substr(0, comma));
    rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
    const std::size_t equals = parameter.find('=');
    if (equals == std::string_view::npos || !text::iequals(text::trim(parameter.substr(0, equals)), "timeout"))
      continue;
    const auto seconds = text::parse_decimal(text::trim(parameter.substr(equals + 1)));
    if (!seconds) continue;
    history_.keep_alive = std::chrono::seconds(std::min(*seconds, kLongestKeepAlive)) - kKeepAliveMargin;
  }
}

// A Unix socket reports EPIPE to a writer whose reader has gone, and ECONNRESET to a reader whose peer went with our
// bytes unread. As long as the head alone is on its way, that means: not the whole head was read.
bool UpstreamConnection::provably_unread() const {
  if (!endpoint_->address().is_unix() || !wire_.stream || wire_.response.begun()) return false;
  const int error = wire_.stream->last_error();
  return error == ECONNRESET || (error == EPIPE && !wire_.sender.head_sent());
}

}  // namespace gatehouse
