#include "proxy/frontend/h3/h3_stream.h"

#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <expected>
#include <utility>

#include "common/event_loop.h"
#include "proxy/frontend/client_transport.h"
#include "proxy/frontend/field_block.h"
#include "proxy/frontend/h3/h3_session.h"
#include "proxy/http/field_rules.h"

namespace gatehouse {

namespace {

constexpr std::size_t kChunk = 32 * 1024;                // of an answer, read from its pipe at once: one DATA frame
constexpr std::size_t kMaxUnacknowledged = 1024 * 1024;  // of one stream: enough for 10 MB/s at 100 ms

using H3Outcome = std::expected<void, H3FieldDecoder::Code>;
using Block = FieldBlock<nghttp3_nv, NGHTTP3_NV_FLAG_NO_COPY_NAME, NGHTTP3_NV_FLAG_NEVER_INDEX>;

nghttp3_ssize read_response(nghttp3_conn* /*conn*/, std::int64_t /*id*/, nghttp3_vec* parts, std::size_t max,
                            std::uint32_t* flags, void* /*session*/, void* stream) {
  return static_cast<H3Stream*>(stream)->next_data(parts, max, flags);
}

}  // namespace

H3Stream::H3Stream(H3Session& session, std::int64_t id)
    : session_(session),
      id_(id),
      opened_(now()),
      waker_(session.context_.loop, [this] { progress(); }),
      reader_(session.fields_, id),
      collector_(Protocol::kH3, true) {
  state_.window = UploadWindow(session.options_.stream_window);
  state_.opened = now();
}

H3Stream::~H3Stream() = default;

MonotonicTime H3Stream::now() const {
  return session_.context_.loop.now();
}

// ---- the request, as it comes in ----

H3Outcome H3Stream::receive(H3Bytes bytes, bool fin) {
  reader_.give(bytes, fin);
  return read();
}

H3Outcome H3Stream::resume() {
  auto held = reader_.take_ready();
  if (!held) return {};
  for (;;) {
    const std::string_view run = held->bytes.front();
    const bool last = run.size() == held->bytes.size();
    const auto fine = receive({reinterpret_cast<const std::uint8_t*>(run.data()), run.size()}, last && held->fin);
    if (!fine || last) return fine;
    held->bytes.consume(run.size());
  }
}

H3Outcome H3Stream::read() {
  using What = H3RequestReader::What;
  H3Outcome fine;
  while (fine) {
    const H3RequestReader::Event event = reader_.next();
    switch (event.what) {
      case What::kNothing:
        credit_read();
        return {};
      case What::kField:
        fine = on_field(session_.fields_.field());
        break;
      case What::kSectionEnd:
        on_section();
        break;
      case What::kData:
        on_data(event.data);
        break;
      case What::kEmptyFrame:
        on_empty_frame();
        break;
      case What::kUnknown:
        session_.count(Abuse::kOther);
        break;
      case What::kEnd:
        on_end();
        break;
      case What::kIncomplete:
        on_no_head();
        break;
      case What::kBroken:
        return std::unexpected(event.code);
    }
  }
  return fine;
}

void H3Stream::credit_read() {
  const std::size_t read = reader_.take_credit();
  if (read == 0) return;
  session_.transport_.credit_stream(id_, read);
  session_.transport_.credit_connection(read);
}

H3Outcome H3Stream::on_field(const H3FieldDecoder::Field& field) {
  using Verdict = HeadCollector::Verdict;
  const Verdict verdict = collector_.add(field.name, field.value, session_.context_.policy->head);
  if (verdict == Verdict::kFirstBeyond) session_.count(Abuse::kOversizedHead);
  if (verdict == Verdict::kExcessive) return std::unexpected(session_.excessive());
  if (field.token == NGHTTP3_QPACK_TOKEN_PRIORITY && state_.reading == Reading::kHead && !state_.has_priority) {
    session_.prioritise(id_, field.value);
  }
  return {};
}

void H3Stream::on_section() {
  if (state_.reading != Reading::kHead) return;  // trailers are judged once the request has ended
  collector_.end_head(reader_.at_end());
  begin(collector_.malformed() ? std::optional(Fault::kMalformedRequest) : std::nullopt);
  state_.reading = Reading::kBody;
  // At once, so that nothing behind it is read.
  const auto fault = exchange_->record().fault;
  if (fault && rule(*fault).resets_stream) session_.reset(*this, rule(*fault).codes.h3);
}

void H3Stream::begin(std::optional<Fault> fault) {
  ListenerContext& context = session_.context_;
  ClientInfo client = session_.peer_.client;
  client.listener = context.policy;
  RawRequest& raw = collector_.request();
  session_.request_began();
  auto head = fault ? std::expected<RequestHead, Fault>(std::unexpected(*fault))
                    : field_rules::check_request(
                          raw, context.policy->head,
                          misdirection(session_.peer_.contexts.get(), client.tls.get(), context.tls.get()));
  if (head) {
    const bool counts = head->body.kind != BodyLength::Kind::kUnknown && !head->asks_for_tunnel();
    if (counts) state_.promised = head->body.bytes;
    exchange_.emplace(context.exchanges, std::move(client), *std::move(head), waker_);
  } else {
    exchange_.emplace(context.exchanges, std::move(client), field_rules::rejected_head(std::move(raw)), waker_,
                      head.error());
  }
  pace_.acknowledged = session_.life_.acknowledged;
  exchange_->follow_client([this] { return client_progress(); }, pace_.moves);
}

void H3Stream::on_data(H3Bytes bytes) {
  state_.received += bytes.size();
  if (!exchange_) return session_.transport_.credit_connection(bytes.size());
  state_.held += bytes.size();
  if (breaks_promise(state_.received > state_.promised.value_or(state_.received))) return refuse_body();
  arrived_.append(text_of(bytes));
  waker_.wake();
}

void H3Stream::on_empty_frame() {
  if (++state_.empty_frames > AbuseGuard::kMostEmptyFrames) session_.count(Abuse::kEmptyFrame);
}

void H3Stream::on_end() {
  if (breaks_promise(state_.received != state_.promised.value_or(state_.received))) return refuse_body();
  state_.reading = Reading::kEnded;
  waker_.wake();
}

// Where there is a fault already, the client shall see its answer: what becomes of the body does not matter any more.
bool H3Stream::breaks_promise(bool differs) const {
  return differs && exchange_ && !exchange_->record().fault;
}

void H3Stream::on_no_head() {
  fail(Fault::kMalformedRequest);
  session_.reset(*this, NGHTTP3_H3_REQUEST_INCOMPLETE);
}

void H3Stream::refuse_body() {
  exchange_->fail_request(Fault::kRequestBodyInvalid);
  session_.reset(*this, rule(Fault::kRequestBodyInvalid).codes.h3);
}

// ---- progress of the exchange ----

void H3Stream::progress() {
  if (!exchange_) return;
  move_request();
  if (exchange_->broken_off()) {
    if (may_break_off()) session_.reset(*this, exchange_->reset_codes().h3);
    return;
  }
  move_response();
}

void H3Stream::move_request() {
  BodyWriter& pipe = exchange_->request_body();
  // No window of the stream for what nobody wants: the answer's end says so.
  if (pipe.abandoned()) return drop_held();
  // While the reader is behind, the bytes of single packets gather here first: each moved by itself would keep a slab.
  const bool worth_moving = exchange_->request_pipe().reader().available() == 0 ||
                            arrived_.size() >= Buffer::kSlabSize || state_.reading == Reading::kEnded;
  const std::size_t room = worth_moving ? std::min(pipe.room(), arrived_.size()) : 0;
  if (room > 0) pipe.write(arrived_.split(room));
  if (state_.reading == Reading::kEnded && arrived_.empty() && !pipe.ended()) {
    auto trailers = collector_.trailers(*session_.context_.policy);
    if (!trailers) return exchange_->fail_request(trailers.error());
    pipe.finish(*std::move(trailers));
  }
  if (const std::size_t drained = pipe.take_credit(); drained > 0) give_credit(drained);
}

void H3Stream::give_credit(std::size_t drained) {
  release(drained);
  session_.transport_.wake_flush();
  if (state_.reading == Reading::kEnded) return;
  const std::size_t grown = state_.window.grow(drained, state_.held, now(), session_.life_.growth);
  session_.transport_.credit_stream(id_, drained + grown);
  if (grown > 0) session_.credit_connection(grown);
}

void H3Stream::release(std::size_t count) {
  assert(count <= state_.held);
  state_.held -= count;
  session_.credit_connection(count);
}

void H3Stream::drop_held() {
  session_.transport_.credit_connection(reader_.take_credit());
  arrived_.clear();
  if (state_.held > 0) release(state_.held);
}

void H3Stream::move_response() {
  while (const auto interim = exchange_->take_interim()) {
    const Block block(*interim);
    nghttp3_conn_submit_info(session_.conn_.get(), id_, block.data(), block.size());
    session_.transport_.wake_flush();
  }
  if (state_.writing == Writing::kNothing) {
    if (!exchange_->response()) return;
    if (const auto fault = exchange_->record().fault; fault && rule(*fault).resets_stream) {
      return session_.reset(*this, rule(*fault).codes.h3);
    }
    submit(*exchange_->response());
  } else if (state_.writing == Writing::kWaitsForBody) {
    const BodyReader& body = exchange_->response_body();
    if (body.available() == 0 && !body.finished()) return;
    state_.writing = Writing::kHeadSent;
    nghttp3_conn_resume_stream(session_.conn_.get(), id_);
  }
  session_.transport_.wake_flush();
}

void H3Stream::submit(const ResponseHead& head) {
  BodyReader& body = exchange_->response_body();
  const bool no_body = body.at_end() && body.trailers().empty();
  constexpr nghttp3_data_reader kReader{.read_data = read_response};
  const Block block(head);
  state_.writing = no_body ? Writing::kAllOffered : Writing::kHeadSent;
  pace_.stall.begin(now());
  overrule_priority();
  if (nghttp3_conn_submit_response(session_.conn_.get(), id_, block.data(), block.size(),
                                   no_body ? nullptr : &kReader) != 0) {
    session_.reset(*this, NGHTTP3_H3_INTERNAL_ERROR);
  }
}

// ---- the answer, as nghttp3 asks for it ----

nghttp3_ssize H3Stream::next_data(nghttp3_vec* parts, std::size_t max, std::uint32_t* flags) {
  constexpr std::size_t kMostParts = 8;
  if (!exchange_ || offered_.bytes >= kMaxUnacknowledged) {
    state_.writing = Writing::kWaitsForBody;
    return NGHTTP3_ERR_WOULDBLOCK;
  }
  BodyReader& body = exchange_->response_body();
  if (offered_.rest.empty()) offered_.rest = body.read(kChunk);
  std::array<iovec, kMostParts> runs;
  const int count = offered_.rest.iovecs(runs.data(), static_cast<int>(std::min(max, kMostParts)));
  std::size_t bytes = 0;
  for (int i = 0; i < count; ++i) {
    const iovec& run = runs[static_cast<std::size_t>(i)];
    parts[i] = {.base = static_cast<std::uint8_t*>(run.iov_base), .len = run.iov_len};
    bytes += run.iov_len;
  }
  if (bytes > 0) offered_.chunks.push_back(offered_.rest.split(bytes));
  offered_.bytes += bytes;
  if (offered_.rest.empty() && body.at_end()) {
    offer_trailers(flags);
  } else if (count == 0) {
    session_.let_endpoints_go_on();
    state_.writing = Writing::kWaitsForBody;
    return NGHTTP3_ERR_WOULDBLOCK;
  }
  return count;
}

void H3Stream::offer_trailers(std::uint32_t* flags) {
  *flags |= NGHTTP3_DATA_FLAG_EOF;
  state_.writing = Writing::kAllOffered;
  const FieldList& trailers = exchange_->response_body().trailers();
  if (trailers.empty()) return;
  const Block block(trailers);
  if (nghttp3_conn_submit_trailers(session_.conn_.get(), id_, block.data(), block.size()) == 0) {
    *flags |= NGHTTP3_DATA_FLAG_NO_END_STREAM;
  }
}

void H3Stream::on_sent(bool fin) {
  if (!fin) return;
  if (exchange_ && exchange_->request_goes_on()) return;
  state_.writing = Writing::kEnded;
  if (state_.reading != Reading::kEnded) {
    reader_.abandon();
    session_.stop_reading(*this);
  }
  exchange_.reset();
  drop_held();
}

void H3Stream::on_acknowledged(std::size_t bytes) {
  pace_.moves += static_cast<std::int64_t>(bytes);
  session_.life_.acknowledged += bytes;
  pace_.acknowledged += bytes;
  offered_.drop(bytes);
  if (state_.writing == Writing::kWaitsForBody || (exchange_ && exchange_->broken_off())) waker_.wake();
}

void H3Stream::Offered::drop(std::size_t count) {
  assert(count <= bytes);
  bytes -= count;
  while (count > 0) {
    Buffer& chunk = chunks[first];
    const std::size_t part = std::min(count, chunk.size());
    chunk.consume(part);
    count -= part;
    if (chunk.empty()) ++first;
  }
  if (first == chunks.size()) {
    chunks.clear();
    first = 0;
  } else if (first >= 32) {
    chunks.erase(chunks.begin(), chunks.begin() + static_cast<std::ptrdiff_t>(std::exchange(first, 0)));
  }
}

// ---- the end ----

void H3Stream::on_cancelled() {
  if (state_.reading != Reading::kEnded) reader_.abandon();
  exchange_.reset();
  drop_held();
  offered_.rest.clear();  // the chunks stay: QUIC may still look at them until the stream is closed
  state_.reading = Reading::kEnded;
  state_.writing = Writing::kEnded;
}

void H3Stream::on_window() {
  pace_.needs_window = false;
  ++pace_.moves;
}

std::int64_t H3Stream::client_progress() {
  const std::uint64_t all = session_.life_.acknowledged;
  if (!pace_.needs_window) pace_.moves += static_cast<std::int64_t>(all - pace_.acknowledged);
  pace_.acknowledged = all;
  return pace_.moves;
}

std::optional<Fault> H3Stream::overdue(MonotonicTime at) {
  const ListenerPolicy& policy = *session_.context_.policy;
  if (state_.reading == Reading::kHead) {
    if (at - state_.opened >= policy.connection.header_timeout) return Fault::kHeaderTimeout;
    return std::nullopt;
  }
  const bool waits_for_client = offered_.bytes > 0 || !offered_.rest.empty() || state_.writing == Writing::kAllOffered;
  if (!waits_for_client) {
    pace_.stall.end();
    return std::nullopt;
  }
  pace_.stall.begin(at);
  const Patience patience = exchange_ ? exchange_->patience() : policy.exchange.patience();
  const bool stalled = pace_.stall.left(at, client_progress(), patience) <= Duration::zero();
  return stalled ? std::optional(pace_.stall.fault()) : std::nullopt;
}

void H3Stream::fail(Fault fault) {
  if (!exchange_ && state_.reading == Reading::kHead) begin(fault);
  if (exchange_ && !exchange_->record().fault) exchange_->record().fault = fault;
}

}  // namespace gatehouse
