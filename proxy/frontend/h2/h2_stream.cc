#include "proxy/frontend/h2/h2_stream.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "common/event_loop.h"
#include "proxy/frontend/field_block.h"
#include "proxy/frontend/h2/h2_callbacks.h"
#include "proxy/frontend/h2/h2_connection.h"
#include "proxy/http/field_rules.h"

namespace gatehouse {

namespace {

constexpr std::size_t kWorthAFrame = 1024;  // less is held back while only the client's window is in the way

using Block = FieldBlock<nghttp2_nv, NGHTTP2_NV_FLAG_NO_COPY_NAME, NGHTTP2_NV_FLAG_NO_INDEX>;

}  // namespace

H2Stream::H2Stream(H2Connection& connection, std::int32_t id)
    : connection_(connection),
      id_(id),
      opened_(connection.context().loop.now()),
      collector_(Protocol::kH2, connection.transport().secure()),
      waker_(connection.context().loop, [this] { progress(); }) {}

// --- the request ---

bool H2Stream::on_header(std::string_view name, std::string_view value) {
  if (state_.decoding != Decoding::kHead) state_.decoding = Decoding::kTrailers;
  const HeadCollector::Verdict verdict = collector_.add(name, value, connection_.context().policy->head);
  if (verdict == HeadCollector::Verdict::kFirstBeyond) connection_.count(Abuse::kOversizedHead);
  return verdict != HeadCollector::Verdict::kExcessive;
}

void H2Stream::on_head(bool end) {
  if (state_.reset) return;
  state_.decoding = Decoding::kBody;
  state_.request_ended = end;
  collector_.end_head(end);
  const ListenerContext& context = connection_.context();
  ClientTransport& transport = connection_.transport();
  auto head =
      field_rules::check_request(collector_.request(), context.policy->head,
                                 misdirection(transport.contexts.get(), transport.tls.get(), context.tls.get()));
  if (!head) return reject(head.error());
  exchange_.emplace(context.exchanges, client_info(context, transport, Protocol::kH2), *std::move(head), waker_);
  follow_client();
  if (end) exchange_->request_body().finish();
}

// The exchange is made all the same: it answers, where the fault allows an answer, and is what the log tells of.
void H2Stream::reject(Fault fault) {
  state_.rejected = true;
  const ListenerContext& context = connection_.context();
  exchange_.emplace(context.exchanges, client_info(context, connection_.transport(), Protocol::kH2),
                    field_rules::rejected_head(std::move(collector_.request())), waker_, fault);
  follow_client();
  if (!rule(fault).resets_stream) return;
  connection_.count(Abuse::kForcedReset);
  reset(rule(fault).codes.h2);
}

void H2Stream::on_data(Buffer bytes) {
  uncredited_ += bytes.size();
  if (!exchange_ || exchange_->request_body().ended()) return;
  exchange_->request_body().write(std::move(bytes));
}

bool H2Stream::on_empty_data() {
  return ++state_.empty_frames <= AbuseGuard::kMostEmptyFrames;
}

void H2Stream::on_end() {
  state_.request_ended = true;
  if (!exchange_ || exchange_->request_body().ended()) return;
  if (state_.decoding != Decoding::kTrailers) return exchange_->request_body().finish();
  auto trailers = collector_.trailers(*connection_.context().policy);
  if (trailers) return exchange_->request_body().finish(*std::move(trailers));
  connection_.count(Abuse::kForcedReset);
  exchange_->fail_request(trailers.error());
  reset(rule(trailers.error()).codes.h2);
}

bool H2Stream::on_malformed() {
  if (std::exchange(state_.reset, true)) return false;
  if (exchange_) {
    exchange_->fail_request(Fault::kRequestBodyInvalid);
  } else {
    const ListenerContext& context = connection_.context();
    exchange_.emplace(context.exchanges, client_info(context, connection_.transport(), Protocol::kH2),
                      field_rules::rejected_head(std::move(collector_.request())), waker_, Fault::kMalformedRequest);
  }
  return true;
}

void H2Stream::on_cancelled() {
  state_.reset = true;
}

void H2Stream::follow_client() {
  pace_.acknowledged = connection_.transport().written;
  exchange_->follow_client([this] { return client_progress(); }, connection_.windows_opened());
}

std::int64_t H2Stream::client_progress() {
  nghttp2_session* const session = connection_.session();
  const bool waits_for_turn = nghttp2_session_get_stream_remote_window_size(session, id_) > 0 &&
                              nghttp2_session_get_remote_window_size(session) > 0;
  const bool on_the_way = pace_.acknowledged < pace_.sent;
  const std::int64_t acknowledged = std::max(pace_.acknowledged, connection_.transport().acknowledged());
  if (waits_for_turn || on_the_way) pace_.moves += acknowledged - pace_.acknowledged;
  pace_.acknowledged = acknowledged;
  return pace_.moves + connection_.windows_opened();
}

Patience H2Stream::patience() const {
  return exchange_ ? exchange_->patience() : connection_.context().policy->exchange.patience();
}

void H2Stream::on_stalled(Fault fault) {
  if (exchange_) exchange_->abandon_client(fault);
}

void H2Stream::on_closed() {
  waker_.cancel();
  connection_.forget(uncredited_);
  exchange_.reset();
}

// --- the answer ---

void H2Stream::progress() {
  if (!exchange_ || state_.reset) return;
  give_credit();
  while (const auto interim = exchange_->take_interim()) {
    const Block block(*interim);
    if (state_.head_sent) continue;
    nghttp2_submit_headers(connection_.session(), NGHTTP2_FLAG_NONE, id_, nullptr, block.data(), block.size(), nullptr);
  }
  const std::optional<Fault>& fault = exchange_->record().fault;
  if (exchange_->broken_off()) {
    reset(exchange_->reset_codes().h2);
  } else if (!state_.head_sent && fault && rule(*fault).resets_stream) {
    reset(rule(*fault).codes.h2);
  } else if (!state_.head_sent) {
    if (exchange_->response() && !send_head()) reset(NGHTTP2_INTERNAL_ERROR);
  } else {
    resume();
  }
  connection_.wake_flush();
}

void H2Stream::give_credit() {
  const std::size_t taken = exchange_->request_body().take_credit();
  if (taken == 0) return;
  assert(taken <= uncredited_);
  uncredited_ -= taken;
  connection_.account(id_, 0, taken);
  // What is in the way of an upload is the window only while more of it is to come.
  if (!state_.request_ended) connection_.grow_window(id_, window_, taken, uncredited_);
}

// Returns false if nghttp2 refuses. Without a body the head is held until the responder is done, which is at once:
// END_STREAM closes the stream, and with it goes the exchange. And gRPC clients tell by END_STREAM that a head has the
// status of the call.
bool H2Stream::send_head() {
  const ResponseHead& head = *exchange_->response();
  BodyReader& body = exchange_->response_body();
  const bool ends = body.at_end() && body.trailers().empty();
  const bool empty = head.body.is_empty() || !may_have_body(exchange_->request().method, head.status);
  if (empty && !body.at_end() && !head.opens_tunnel()) return true;
  state_.head_sent = true;
  if (state_.priority || head.fields.may_have(FieldName::kPriority)) settle_priority();
  if (!exchange_->proposed().empty()) connection_.push(*this, *exchange_);
  if (connection_.context().policy->alt_svc_frame) tell_alternatives(head);
  const Block block(head);
  const nghttp2_data_provider2 source{.source = {.ptr = nullptr}, .read_callback = H2Callbacks::next_data};
  return nghttp2_submit_response2(connection_.session(), id_, block.data(), block.size(), ends ? nullptr : &source) ==
         0;
}

void H2Stream::tell_alternatives(const ResponseHead& head) {
  if (state_.rejected) return;
  if (const auto value = head.fields.find(FieldName::kAltSvc)) {
    connection_.tell_alternatives(exchange_->request().authority, *value);
  }
}

void H2Stream::resume() {
  if (state_.deferred) nghttp2_session_resume_data(connection_.session(), id_);
  state_.deferred = false;
}

nghttp2_ssize H2Stream::next_data(std::size_t most, std::uint32_t& flags) {
  BodyReader& body = exchange_->response_body();
  const std::size_t available = body.available();
  const bool broken = state_.reset || (body.failed() && available == 0);
  const bool small = most < kWorthAFrame && most < available && !std::exchange(state_.small_allowed, false);
  if (broken || small || (available == 0 && !body.finished())) {
    state_.deferred = true;
    state_.held_back = small && !broken;
    if (state_.held_back) connection_.expect_window();
    return NGHTTP2_ERR_DEFERRED;
  }
  const std::size_t size = std::min(most, available);
  if (size > 0) flags |= NGHTTP2_DATA_FLAG_NO_COPY;
  if (!body.finished() || size < available) return static_cast<nghttp2_ssize>(size);
  flags |= NGHTTP2_DATA_FLAG_EOF;
  if (const FieldList& trailers = body.trailers(); !trailers.empty()) {
    const Block block(trailers);
    if (nghttp2_submit_trailer(connection_.session(), id_, block.data(), block.size()) == 0) {
      flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
    }
  }
  return static_cast<nghttp2_ssize>(size);
}

Buffer H2Stream::take_data(std::size_t size) {
  pace_.sent = connection_.position() + static_cast<std::int64_t>(size);
  return exchange_->response_body().read(size);
}

// A tunnel goes on in the other direction. An answer before the end of its request: the client need not send the rest (RFC 9113 section 8.1).
void H2Stream::on_end_sent() {
  if (exchange_ && exchange_->request_goes_on()) return;
  if (!state_.request_ended) reset(NGHTTP2_NO_ERROR);
  exchange_.reset();
}

// Not by way of the exchange's fail(): for that an answer that is complete on our side is a good one.
void H2Stream::on_not_sent() {
  if (state_.reset) return;
  if (exchange_ && !exchange_->record().fault) exchange_->record().fault = Fault::kInternalError;
  reset(rule(Fault::kInternalError).codes.h2);
}

void H2Stream::retry_held_back(bool as_small_as_it_is) {
  state_.held_back = false;
  state_.small_allowed = as_small_as_it_is;
  resume();
}

void H2Stream::reset(std::uint32_t code) {
  if (std::exchange(state_.reset, true)) return;
  nghttp2_submit_rst_stream(connection_.session(), NGHTTP2_FLAG_NONE, id_, code);
  connection_.wake_flush();
}

}  // namespace gatehouse
