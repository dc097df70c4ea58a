#include "proxy/frontend/h2/h2_stream.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <charconv>
#include <utility>
#include <vector>

#include "common/event_loop.h"
#include "proxy/frontend/h2/h2_callbacks.h"
#include "proxy/frontend/h2/h2_connection.h"
#include "proxy/http/field_rules.h"

namespace gatehouse {

namespace {

constexpr std::size_t kWorthAFrame = 1024;  // less is held back while only the client's window is in the way

nghttp2_nv name_value(std::string_view name, std::string_view value, std::uint8_t flags) {
  // nghttp2 takes pointers to non-const and does not write through them.
  return {.name = reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data())),
          .value = reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data())),
          .namelen = name.size(),
          .valuelen = value.size(),
          .flags = flags};
}

// Values are copied by nghttp2; names too, into lower case, unless they are texts of ours that last.
void add_fields(std::vector<nghttp2_nv>& out, const FieldList& fields) {
  for (const Field field : fields) {
    assert(field.id != FieldName::kConnection && field.id != FieldName::kTransferEncoding);
    if (field.id == FieldName::kOther) {
      out.push_back(name_value(field.name, field.value, NGHTTP2_NV_FLAG_NONE));
    } else {
      out.push_back(name_value(lower_text(field.id), field.value, NGHTTP2_NV_FLAG_NO_COPY_NAME));
    }
  }
}

// A head in nghttp2's form, good until the next one is made on this thread.
class HeadBlock {
 public:
  explicit HeadBlock(const ResponseHead& head) {
    fields.clear();
    std::to_chars(status_.data(), status_.data() + status_.size(), head.status);
    fields.push_back(name_value(":status", {status_.data(), status_.size()}, NGHTTP2_NV_FLAG_NO_COPY_NAME));
    add_fields(fields, head.fields);
    if (head.body.kind != BodyLength::Kind::kKnown || head.is_interim() || head.status == 204) return;
    const auto end = std::to_chars(length_.data(), length_.data() + length_.size(), head.body.bytes).ptr;
    const std::string_view length(length_.data(), static_cast<std::size_t>(end - length_.data()));
    fields.push_back(name_value(lower_text(FieldName::kContentLength), length, NGHTTP2_NV_FLAG_NO_COPY_NAME));
  }
  const nghttp2_nv* data() const { return fields.data(); }
  std::size_t size() const { return fields.size(); }

 private:
  inline static thread_local std::vector<nghttp2_nv> fields;
  std::array<char, 3> status_{};
  std::array<char, 20> length_{};
};

}  // namespace

H2Stream::H2Stream(H2Connection& connection, std::int32_t id)
    : connection_(connection), id_(id), waker_(connection.context().loop, [this] { progress(); }) {
  raw_.protocol = Protocol::kH2;
  raw_.secure = connection.transport().secure();
}

// --- the request ---

// What is over a limit is decoded, for the sake of the table that both sides keep, but not stored; up to a point.
bool H2Stream::on_header(std::string_view name, std::string_view value) {
  const HeadLimits& limits = connection_.context().policy->head;
  const bool trailer = state_.decoding != Decoding::kHead;
  if (trailer) state_.decoding = Decoding::kTrailers;
  switch (state_.meter.add(name, value, trailer ? limits.of_trailers() : limits.of_head())) {
    case SectionMeter::Verdict::kExcessive:
      return false;
    case SectionMeter::Verdict::kFirstBeyond:
      if (name == ":path") raw_.target = value.substr(0, limits.max_target_bytes + 1);
      connection_.count(Abuse::kOversizedHead);
      return true;
    case SectionMeter::Verdict::kBeyond:
      return true;
    case SectionMeter::Verdict::kWithin:
      break;
  }
  if (trailer) {
    trailers_.add(name, value);
  } else if (name.starts_with(':')) {
    keep_pseudo_field(name, value);
  } else {
    raw_.fields.add(name, value);
  }
  return true;
}

void H2Stream::keep_pseudo_field(std::string_view name, std::string_view value) {
  if (name == ":method") {
    raw_.method = value;
  } else if (name == ":path") {
    raw_.target = value;
  } else if (name == ":scheme") {
    raw_.scheme = value;
  } else if (name == ":authority") {
    raw_.authority = value;
    raw_.has_authority = true;
  }
}

void H2Stream::on_head_complete(bool end_of_message) {
  if (state_.reset) return;
  state_.decoding = Decoding::kBody;
  state_.request_ended = end_of_message;
  raw_.end_of_message = end_of_message;
  begin(end_of_message);
}

void H2Stream::begin(bool end_of_message) {
  if (std::exchange(state_.meter, {}).too_large()) {
    return reject(field_rules::too_large(raw_, connection_.context().policy->head));
  }
  const ClientTransport& transport = connection_.transport();
  auto head = field_rules::check_request(raw_, connection_.context().policy->head,
                                         misdirection(transport.contexts.get(), transport.tls.get()));
  if (!head) return reject(head.error());
  const ListenerContext& context = connection_.context();
  exchange_.emplace(context.exchanges, client_info(context, transport, Protocol::kH2), *std::move(head), waker_);
  if (end_of_message) exchange_->request_body().finish();
}

// The exchange is made all the same: it answers, where the fault allows an answer, and is what the log tells of.
void H2Stream::reject(Fault fault) {
  const ListenerContext& context = connection_.context();
  exchange_.emplace(context.exchanges, client_info(context, connection_.transport(), Protocol::kH2),
                    field_rules::rejected_head(std::move(raw_)), waker_, fault);
  if (!rule(fault).resets_stream) return;
  connection_.count(Abuse::kForcedReset);
  reset(rule(fault).h2_code);
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
  auto checked =
      field_rules::check_request_trailers(std::move(trailers_), Protocol::kH2, *connection_.context().policy);
  if (checked && !state_.meter.too_large()) return exchange_->request_body().finish(std::move(*checked));
  connection_.count(Abuse::kForcedReset);
  exchange_->fail_request(Fault::kRequestBodyInvalid);
  reset(rule(Fault::kRequestBodyInvalid).h2_code);
}

bool H2Stream::on_malformed() {
  if (std::exchange(state_.reset, true)) return false;
  if (exchange_) {
    exchange_->fail_request(Fault::kRequestBodyInvalid);
  } else {
    const ListenerContext& context = connection_.context();
    exchange_.emplace(context.exchanges, client_info(context, connection_.transport(), Protocol::kH2),
                      field_rules::rejected_head(std::move(raw_)), waker_, Fault::kMalformedRequest);
  }
  return true;
}

void H2Stream::on_cancelled() {
  state_.reset = true;
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
    const HeadBlock block(*interim);
    if (state_.head_sent) continue;
    nghttp2_submit_headers(connection_.session(), NGHTTP2_FLAG_NONE, id_, nullptr, block.data(), block.size(), nullptr);
  }
  const std::optional<Fault> broken = exchange_->broken_off();
  const std::optional<Fault>& fault = exchange_->record().fault;
  if (broken) {
    reset(rule(*broken).h2_code);
  } else if (!state_.head_sent && fault && rule(*fault).resets_stream) {
    reset(rule(*fault).h2_code);
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
}

// Returns false if nghttp2 refuses. Without a body the head is held until the responder is done, which is at once:
// END_STREAM closes the stream, and with it goes the exchange.
bool H2Stream::send_head() {
  const ResponseHead& head = *exchange_->response();
  BodyReader& body = exchange_->response_body();
  const bool has_body = may_have_body(exchange_->request().method, head.status);
  if (!has_body) {
    body.read(body.available());
    if (!body.at_end()) return true;
  }
  const bool ends = !has_body || (body.at_end() && body.trailers().empty() && body_complete());
  state_.head_sent = true;
  const HeadBlock block(head);
  const nghttp2_data_provider2 source{.source = {.ptr = nullptr}, .read_callback = H2Callbacks::next_data};
  return nghttp2_submit_response2(connection_.session(), id_, block.data(), block.size(), ends ? nullptr : &source) ==
         0;
}

// As much as Content-Length promises, where it does.
bool H2Stream::body_complete() const {
  const BodyLength& promised = exchange_->response()->body;
  return promised.kind != BodyLength::Kind::kKnown || promised.bytes == sent_;
}

void H2Stream::resume() {
  if (state_.deferred) nghttp2_session_resume_data(connection_.session(), id_);
  state_.deferred = false;
}

nghttp2_ssize H2Stream::next_data(std::size_t most, std::uint32_t& flags) {
  BodyReader& body = exchange_->response_body();
  const std::size_t available = body.available();
  const bool broken = state_.reset || body.failed();
  const bool small = most < kWorthAFrame && most < available && !std::exchange(state_.small_allowed, false);
  if (broken || small || (available == 0 && !body.finished())) {
    state_.deferred = true;
    state_.held_back = small && !broken;
    if (state_.held_back) connection_.expect_window();
    return NGHTTP2_ERR_DEFERRED;
  }
  const std::size_t size = std::min(most, available);
  sent_ += size;
  if (size > 0) flags |= NGHTTP2_DATA_FLAG_NO_COPY;
  if (!body.finished() || size < available) return static_cast<nghttp2_ssize>(size);
  if (!body_complete()) {
    // Less, or more, than was promised must not look like a clean end (invariant I8).
    reset(NGHTTP2_INTERNAL_ERROR);
    return NGHTTP2_ERR_DEFERRED;
  }
  flags |= NGHTTP2_DATA_FLAG_EOF;
  if (const FieldList& trailers = body.trailers(); !trailers.empty()) {
    std::vector<nghttp2_nv> block;
    add_fields(block, trailers);
    if (nghttp2_submit_trailer(connection_.session(), id_, block.data(), block.size()) == 0) {
      flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
    }
  }
  return static_cast<nghttp2_ssize>(size);
}

Buffer H2Stream::take_data(std::size_t size) {
  return exchange_->response_body().read(size);
}

// An answer before the end of its request: the client need not send the rest (RFC 9113 section 8.1).
void H2Stream::on_end_sent() {
  state_.end_sent = true;
  if (!state_.request_ended) reset(NGHTTP2_NO_ERROR);
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
