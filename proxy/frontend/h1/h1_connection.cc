#include "proxy/frontend/h1/h1_connection.h"

#include <utility>

#include "common/event_loop.h"
#include "proxy/frontend/abuse_report.h"
#include "proxy/http/field_rules.h"

namespace gatehouse {

namespace {

constexpr std::size_t kReadSize = 64 * 1024;
constexpr std::size_t kReadPerTurn = 256 * 1024;           // beyond it the other connections of the loop come first
constexpr std::string_view kHandshakeRecord = "\x16\x03";  // RFC 8446 section 5.1

}  // namespace

H1Connection::Timers::Timers(H1Connection& connection)
    : waiting(connection.context_.loop, connection.until_closed([&connection] { connection.on_timer(); })),
      next_turn(connection.context_.loop, connection.until_closed([&connection] { connection.on_readable(); })),
      stall(connection.context_.loop, connection.until_closed([&connection] { connection.on_stalled(); })) {
  stall.follow([&connection] { return connection.transport_.acknowledged(); });
}

H1Connection::H1Connection(ListenerContext& context, ClientTransport transport, Buffer received)
    : context_(context),
      transport_(std::move(transport)),
      parser_(H1Parser::Kind::kRequest, context.policy->head),
      input_(std::move(received)),
      progress_(context.loop, until_closed([this] { progress(); })),
      flush_(context.loop, until_closed([this] { flush(); }), Waker::Phase::kFlush),
      timers_(*this) {
  const auto protocol = static_cast<std::size_t>(Protocol::kH1);
  context_.counters.connections[protocol].add();
  context_.counters.connections_total[protocol].add();
  state_.draining = context.draining;
  transport_.stream->set_user(this);
  progress_.wake();
}

H1Connection::~H1Connection() {
  if (transport_.stream) transport_.stream->set_user(nullptr);
  context_.counters.connections[static_cast<std::size_t>(Protocol::kH1)].subtract();
}

// --- the client's side: stream -> input_ -> parser_ -> exchange_ ---

void H1Connection::on_readable() {
  state_.read_this_turn = 0;
  receive();
}

void H1Connection::receive() {
  if (!input_.empty()) parse();
  while (!state_.closed && wants_input()) {
    if (state_.read_this_turn >= kReadPerTurn) {
      timers_.next_turn.arm(Duration::zero());
      break;
    }
    const IoResult result = transport_.stream->read(input_, kReadSize);
    state_.read_this_turn += result.bytes;
    if (result.bytes > 0) parse();
    if (state_.closed || result.status == IoStatus::kWouldBlock) break;
    if (result.status == IoStatus::kBroken) return close();
    if (result.status == IoStatus::kEof) return on_half_close();
  }
  if (!state_.closed) set_timer();
}

// Also while an answer is awaited, with nothing to parse: only a read that found nothing is told of the client's end.
bool H1Connection::wants_input() {
  if (state_.deaf || !input_.empty()) return false;
  return !exchange_ || state_.request_ended || exchange_->request_body().room() > 0;
}

bool H1Connection::may_parse() {
  if (state_.deaf || state_.closed) return false;
  return !exchange_ || (!state_.request_ended && exchange_->request_body().room() > 0);
}

void H1Connection::parse() {
  if (state_.tunnel) return take_tunnel();
  while (may_parse()) {
    const H1Parser::Step step = parser_.parse(input_.front());
    if (step.event == H1Parser::Event::kBody) {
      take_body(step);
      continue;
    }
    if (step.event == H1Parser::Event::kFault) return fail_parse();
    input_.consume(step.consumed);
    switch (step.event) {
      case H1Parser::Event::kHead:
        begin_exchange();
        break;
      case H1Parser::Event::kEnd:
        end_request();
        break;
      case H1Parser::Event::kFault:
      case H1Parser::Event::kBody:
      case H1Parser::Event::kNeedMore:
        if (input_.empty()) return;
        break;
    }
  }
}

// The bytes move to the pipe in the slab they were read into.
void H1Connection::take_body(const H1Parser::Step& step) {
  const auto before = static_cast<std::size_t>(step.body.data() - input_.front().data());
  const std::size_t after = step.consumed - before - step.body.size();
  const std::size_t size = step.body.size();
  input_.consume(before);
  Buffer body = input_.split(size);
  input_.consume(after);
  exchange_->request_body().write(std::move(body));
}

void H1Connection::begin_exchange() {
  RawRequest raw = parser_.take_request();
  raw.secure = transport_.secure();
  const Protocol protocol = raw.protocol;
  ++state_.requests;
  state_.request_ended = false;
  response_ = H1Response();
  auto head = field_rules::check_request(
      raw, context_.policy->head,
      misdirection(transport_.contexts.get(), transport_.tls.get(), transport_.strayed ? nullptr : context_.tls.get()));
  if (transport_.strayed) {
    begin_for_strayed(std::move(raw), std::move(head));
  } else if (head) {
    exchange_.emplace(context_.exchanges, client_info(context_, transport_, protocol), *std::move(head), progress_);
  } else {
    const Fault fault = head.error();
    exchange_.emplace(context_.exchanges, client_info(context_, transport_, protocol),
                      field_rules::rejected_head(std::move(raw)), progress_, fault);
    state_.deaf = rule(fault).closes_connection;
  }
  exchange_->follow_client([this] { return transport_.acknowledged(); }, transport_.written);
  if (state_.half_closed) flush_.wake();  // by then the route is chosen, and says what that means
}

// One answer without TLS is all that there is.
void H1Connection::begin_for_strayed(RawRequest raw, std::expected<RequestHead, Fault> head) {
  state_.deaf = true;
  ClientInfo client = client_info(context_, transport_, raw.protocol);
  if (head && context_.policy->plain_on_tls == PlainOnTls::kRedirect) {
    exchange_.emplace(context_.exchanges, std::move(client), *std::move(head), progress_);
  } else {
    exchange_.emplace(context_.exchanges, std::move(client),
                      head ? *std::move(head) : field_rules::rejected_head(std::move(raw)), progress_,
                      Fault::kPlainHttpOnTls);
  }
}

void H1Connection::end_request() {
  state_.request_ended = true;
  if (exchange_->request_body().ended() || exchange_->request().asks_for_tunnel()) return;
  auto trailers =
      field_rules::check_request_trailers(parser_.take_trailers(), exchange_->client().protocol, *context_.policy);
  if (trailers) {
    exchange_->request_body().finish(std::move(*trailers));
  } else {
    state_.deaf = true;
    exchange_->fail_request(trailers.error());
  }
}

// What follows cannot be told apart from the body of what was wrong: nothing more is parsed (RFC 9112 section 11.2).
void H1Connection::fail_parse() {
  state_.deaf = true;
  if (exchange_) {
    exchange_->fail_request(parser_.fault());
  } else if (transport_.strayed) {
    reject(Fault::kPlainHttpOnTls);
  } else {
    const bool is_hello = state_.requests == 0 && input_.front().starts_with(kHandshakeRecord);
    reject(is_hello ? Fault::kTlsOnCleartext : parser_.fault());
  }
}

void H1Connection::reject(Fault fault) {
  state_.deaf = true;
  response_ = H1Response();
  RawRequest known = parser_.take_request();
  known.secure = transport_.secure();
  exchange_.emplace(context_.exchanges, client_info(context_, transport_, Protocol::kH1),
                    field_rules::rejected_head(std::move(known)), progress_, fault);
  exchange_->follow_client([this] { return transport_.acknowledged(); }, transport_.written);
  progress_.wake();
}

void H1Connection::settle_tunnel() {
  state_.tunnel = exchange_->in_tunnel();
  state_.request_ended = !state_.tunnel;
  if (!state_.tunnel || state_.half_closed) {
    if (!exchange_->request_body().ended()) exchange_->request_body().finish();
    return;
  }
  context_.connections.touch(*this);
  if (!input_.empty()) take_tunnel();
}

void H1Connection::take_tunnel() {
  BodyWriter& body = exchange_->request_body();
  if (body.ended()) return input_.clear();
  body.write(std::move(input_));
  input_.clear();
}

void H1Connection::on_half_close() {
  if (state_.tunnel) {
    state_.deaf = true;
    state_.request_ended = true;
    if (!exchange_->request_body().ended()) exchange_->request_body().finish();
    return progress_.wake();
  }
  const bool half_request = exchange_ ? !state_.request_ended : parser_.in_head();
  const bool nothing_runs = !exchange_ && output_.empty();
  if (half_request || nothing_runs || has_gone()) return give_up();
  state_.half_closed = true;
  state_.deaf = true;
  if (!exchange_) return finish();
  set_timer();
  flush_.wake();  // by then the route is chosen, and may say that the client has gone
}

// Behind what is not read for now: more of a request than there is room for, or the next requests.
void H1Connection::on_peer_ended() {
  if (!exchange_) return;
  if (transport_.stream->peer_status() == IoStatus::kBroken) return give_up();
  if (state_.tunnel) return;  // read in its turn
  if (has_gone()) return give_up();
  state_.half_closed = true;
  flush_.wake();
}

bool H1Connection::has_gone() const {
  if (transport_.secure()) return true;
  if (state_.half_closed) return exchange_ && exchange_->limits().half_closed == HalfClosed::kAbort;
  return exchange_ && response_.begun() && transport_.acknowledged() > state_.response_begins;
}

// A client that reads on after all must not take what it has for the whole (invariant I8).
void H1Connection::give_up() {
  if (exchange_ && response_.begun()) transport_.stream->abort_on_close();
  close();
}

// --- our side: exchange_ -> response_ -> output_ -> stream ---

void H1Connection::progress() {
  receive();
  if (state_.closed || !exchange_) return;
  if (state_.half_closed && has_gone()) return give_up();
  advance_response();
}

void H1Connection::advance_response() {
  if (state_.blocked && !exchange_->broken_off()) return;
  // Others wait to be let in: this client is told to come again, which costs it no request.
  if (!response_.begun()) {
    if (exchange_->response() && context_.gives_way()) state_.draining = true;
    if (exchange_->response() && exchange_->request().asks_for_tunnel()) settle_tunnel();
    state_.response_begins = transport_.written + static_cast<std::int64_t>(output_.size());
  }
  switch (response_.advance(*exchange_, output_, may_keep_alive())) {
    case H1Response::Outcome::kOpen:
      if (!output_.empty()) flush_.wake();
      return;
    case H1Response::Outcome::kComplete:
      if (half_closes_tunnel()) return flush_.wake();
      return end_exchange();
    case H1Response::Outcome::kBroken:
      return break_off();
  }
}

bool H1Connection::half_closes_tunnel() {
  if (!exchange_->request_goes_on()) return false;
  if (state_.half == State::Half::kOpen) state_.half = State::Half::kEnding;
  return true;
}

// Asked when the head of an answer is written. A request that has not ended by then may never end.
bool H1Connection::may_keep_alive() const {
  if (state_.deaf || !state_.request_ended || state_.draining || !parser_.keep_alive()) return false;
  const std::uint64_t most = context_.policy->connection.max_requests;
  return most == 0 || state_.requests < most;
}

void H1Connection::end_exchange() {
  const bool keep = response_.keeps_connection() && !state_.draining && !state_.deaf;
  exchange_.reset();
  if (!keep) return finish();
  flush_.wake();
  context_.connections.touch(*this);
  receive();
}

// Incomplete, and the client must be able to tell (invariant I8). Where only the close marks the end, a clean one would
// be taken for it; and a client that does not read would not read the rest either.
void H1Connection::break_off() {
  const bool stalled = exchange_->client_stalled();
  const bool idle = exchange_->broken_off() == Fault::kTunnelTimeout;
  const bool abort = (response_.until_close() && !idle) || stalled;
  exchange_.reset();
  if (stalled) report_abuse(context_, transport_.peer, Abuse::kStalled);
  if (!abort) return finish();
  transport_.stream->abort_on_close();
  close();
}

void H1Connection::flush() {
  if (state_.half_closed && has_gone()) return give_up();
  const IoStatus status = transport_.write(output_).status;
  if (status == IoStatus::kBroken) return close();
  const bool was_blocked = std::exchange(state_.blocked, status == IoStatus::kWouldBlock);
  if (was_blocked && !state_.blocked && !exchange_) context_.connections.touch(*this);
  if (!state_.blocked && state_.half == State::Half::kEnding) {
    state_.half = State::Half::kEnded;
    transport_.stream->shutdown_write();
  }
  watch_client();
  if (!state_.blocked && exchange_ && exchange_->response_body().available() > 0) progress_.wake();
  if (may_leave()) return close_quietly();
  set_timer();
}

void H1Connection::watch_client() {
  if (!state_.blocked) return timers_.stall.rest();
  timers_.stall.wait(exchange_ ? exchange_->patience() : context_.policy->exchange.patience());
}

void H1Connection::on_writable() {
  if (exchange_) progress_.wake();
  flush();
}

}  // namespace gatehouse
