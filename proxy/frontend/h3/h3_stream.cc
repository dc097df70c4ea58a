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

using Block = FieldBlock<nghttp3_nv, NGHTTP3_NV_FLAG_NO_COPY_NAME>;

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
      collector_(Protocol::kH3, true) {
  state_.window = session.options_.stream_window;
  state_.opened = now();
}

H3Stream::~H3Stream() = default;

MonotonicTime H3Stream::now() const {
  return session_.context_.loop.now();
}

// ---- the request, as it comes in ----

bool H3Stream::on_header(std::string_view name, std::string_view value) {
  const HeadCollector::Verdict verdict = collector_.add(name, value, session_.context_.policy->head);
  if (verdict == HeadCollector::Verdict::kFirstBeyond) session_.count(Abuse::kOversizedHead);
  return verdict != HeadCollector::Verdict::kExcessive;
}

void H3Stream::on_head(bool end) {
  collector_.end_head(end);
  begin(std::nullopt);
  state_.reading = Reading::kBody;
}

void H3Stream::begin(std::optional<Fault> fault) {
  ListenerContext& context = session_.context_;
  ClientInfo client = session_.peer_.client;
  client.listener = context.policy;
  RawRequest& raw = collector_.request();
  session_.request_began();
  auto head = fault ? std::expected<RequestHead, Fault>(std::unexpected(*fault))
                    : field_rules::check_request(raw, context.policy->head,
                                                 misdirection(session_.peer_.contexts.get(), client.tls.get()));
  if (head) {
    exchange_.emplace(context.exchanges, std::move(client), *std::move(head), waker_);
  } else {
    exchange_.emplace(context.exchanges, std::move(client), field_rules::rejected_head(std::move(raw)), waker_,
                      head.error());
  }
  exchange_->follow_client([this] { return client_progress(); });
}

void H3Stream::on_data(std::span<const std::uint8_t> bytes) {
  if (!exchange_) return session_.transport_.credit_connection(bytes.size());
  state_.held += bytes.size();
  arrived_.append({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  waker_.wake();
}

void H3Stream::on_end() {
  state_.reading = Reading::kEnded;
  waker_.wake();
}

// ---- progress of the exchange ----

void H3Stream::progress() {
  if (!exchange_) return;
  move_request();
  if (const auto fault = exchange_->broken_off()) return session_.reset(*this, rule(*fault).codes.h3);
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
  // The responder has taken a whole window and leaves nothing behind: the window is what slows the client.
  const bool keeps_up = arrived_.empty() && exchange_->request_body().total() >= state_.window;
  const std::uint64_t most = std::max(session_.options_.max_stream_window, state_.window);
  const std::uint64_t growth = keeps_up ? std::min<std::uint64_t>(drained, most - state_.window) : 0;
  state_.window += growth;
  session_.transport_.credit_stream(id_, drained + growth);
}

void H3Stream::release(std::size_t count) {
  assert(count <= state_.held);
  state_.held -= count;
  session_.transport_.credit_connection(count);
}

void H3Stream::drop_held() {
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
    const auto fault = exchange_->record().fault;
    if (fault && rule(*fault).resets_stream) return session_.reset(*this, rule(*fault).codes.h3);
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
  state_.writing = Writing::kEnded;
  if (state_.reading != Reading::kEnded) session_.stop_reading(*this);
  exchange_.reset();
  drop_held();
}

void H3Stream::on_acknowledged(std::size_t bytes) {
  pace_.moves += static_cast<std::int64_t>(bytes);
  session_.life_.acknowledged += bytes;
  offered_.drop(bytes);
  if (state_.writing == Writing::kWaitsForBody) waker_.wake();
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
  const ExchangeLimits& limits = exchange_ ? exchange_->limits() : policy.exchange;
  pace_.stall.begin(at);
  const bool stalled = pace_.stall.left(at, client_progress(), limits.response_write_timeout) <= Duration::zero();
  return stalled ? std::optional(Fault::kClientStalled) : std::nullopt;
}

void H3Stream::fail(Fault fault) {
  if (!exchange_ && state_.reading == Reading::kHead) begin(fault);
  if (exchange_ && !exchange_->record().fault) exchange_->record().fault = fault;
}

}  // namespace gatehouse
