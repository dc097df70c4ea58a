#include "proxy/frontend/h3/h3_session.h"

#include <algorithm>
#include <cassert>
#include <chrono>
#include <string_view>
#include <utility>
#include <vector>

#include "common/crypto/random.h"
#include "common/event_loop.h"
#include "proxy/frontend/abuse_report.h"
#include "proxy/frontend/h3/h3_stream.h"

namespace gatehouse {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t kQpackTable = 4096;
constexpr std::size_t kQpackBlockedStreams = 16;
constexpr Duration kSweepEvery = 5s;          // granularity of the timeouts of single streams
constexpr Duration kLastGoawayAfter = 100ms;  // requests that crossed the first GOAWAY are still served

std::string_view text_of(nghttp3_rcbuf* buffer) {
  const nghttp3_vec bytes = nghttp3_rcbuf_get_buf(buffer);
  return {reinterpret_cast<const char*>(bytes.base), bytes.len};
}

H3Stream* stream_of(void* stream) {
  return static_cast<H3Stream*>(stream);
}

}  // namespace

// What nghttp3 calls, with the session as its user data and, once a head has begun, the H3Stream as the stream's.
struct H3Callbacks {
  static H3Session& session_of(void* session) { return *static_cast<H3Session*>(session); }

  static int excessive(void* session) {
    session_of(session).count(Abuse::kExcessiveHead);
    session_of(session).life_.failure = NGHTTP3_H3_EXCESSIVE_LOAD;
    return NGHTTP3_ERR_CALLBACK_FAILURE;
  }

  static int begin_headers(nghttp3_conn* conn, std::int64_t id, void* session, void* /*stream*/) {
    nghttp3_conn_set_stream_user_data(conn, id, session_of(session).find(id));
    return 0;
  }
  // Of a head, and of trailers.
  static int recv_header(nghttp3_conn* /*conn*/, std::int64_t /*id*/, std::int32_t /*token*/, nghttp3_rcbuf* name,
                         nghttp3_rcbuf* value, std::uint8_t /*flags*/, void* session, void* stream) {
    if (stream == nullptr || stream_of(stream)->on_header(text_of(name), text_of(value))) return 0;
    return excessive(session);
  }
  static int end_headers(nghttp3_conn* /*conn*/, std::int64_t /*id*/, int fin, void* /*session*/, void* stream) {
    if (stream != nullptr) stream_of(stream)->on_head(fin != 0);
    return 0;
  }
  static int recv_data(nghttp3_conn* /*conn*/, std::int64_t /*id*/, const std::uint8_t* data, std::size_t size,
                       void* session, void* stream) {
    if (stream == nullptr) {
      session_of(session).transport_.credit_connection(size);
    } else {
      stream_of(stream)->on_data({data, size});
    }
    return 0;
  }
  static int end_stream(nghttp3_conn* /*conn*/, std::int64_t /*id*/, void* /*session*/, void* stream) {
    if (stream != nullptr) stream_of(stream)->on_end();
    return 0;
  }
  static int acked_stream_data(nghttp3_conn* /*conn*/, std::int64_t /*id*/, std::uint64_t size, void* /*session*/,
                               void* stream) {
    if (stream != nullptr) stream_of(stream)->on_acknowledged(static_cast<std::size_t>(size));
    return 0;
  }
  static int deferred_consume(nghttp3_conn* /*conn*/, std::int64_t id, std::size_t size, void* session,
                              void* /*stream*/) {
    session_of(session).transport_.credit_stream(id, size);
    session_of(session).transport_.credit_connection(size);
    return 0;
  }
  static int stop_sending(nghttp3_conn* /*conn*/, std::int64_t id, std::uint64_t code, void* session,
                          void* /*stream*/) {
    session_of(session).transport_.stop_sending(id, code);
    return 0;
  }
  static int reset_stream(nghttp3_conn* /*conn*/, std::int64_t id, std::uint64_t code, void* session,
                          void* /*stream*/) {
    session_of(session).transport_.reset(id, code);
    return 0;
  }
  static void rand(std::uint8_t* out, std::size_t size) { random::fill_secure({out, size}); }

  static const nghttp3_callbacks& table() {
    static const nghttp3_callbacks kCallbacks = [] {
      nghttp3_callbacks c{};
      c.acked_stream_data = acked_stream_data;
      c.recv_data = recv_data;
      c.deferred_consume = deferred_consume;
      c.begin_headers = begin_headers;
      c.recv_header = recv_header;
      c.end_headers = end_headers;
      c.recv_trailer = recv_header;
      c.stop_sending = stop_sending;
      c.end_stream = end_stream;
      c.reset_stream = reset_stream;
      c.rand = rand;
      return c;
    }();
    return kCallbacks;
  }
};

H3Session::H3Session(ListenerContext& context, H3Transport& transport, const H3Options& options, Peer peer)
    : context_(context),
      transport_(transport),
      options_(options),
      peer_(std::move(peer)),
      screen_(kQpackTable),
      guard_(context.loop.now()),
      sweep_(context.loop, [this] { sweep(); }),
      drain_(context.loop, [this] { send_last_goaway(); }) {}

H3Session::~H3Session() = default;

bool H3Session::start(const OwnStreams& streams) {
  nghttp3_settings settings;
  nghttp3_settings_default(&settings);
  settings.max_field_section_size = context_.policy->head.max_header_bytes;
  settings.qpack_max_dtable_capacity = kQpackTable;
  settings.qpack_blocked_streams = kQpackBlockedStreams;
  nghttp3_conn* conn = nullptr;
  if (nghttp3_conn_server_new(&conn, &H3Callbacks::table(), &settings, nullptr, this) != 0) return false;
  conn_.reset(conn);
  nghttp3_conn_set_max_client_streams_bidi(conn, context_.policy->connection.max_streams);
  nghttp3_conn_set_max_concurrent_streams(conn, context_.policy->connection.max_streams);
  return nghttp3_conn_bind_control_stream(conn, streams.control) == 0 &&
         nghttp3_conn_bind_qpack_streams(conn, streams.encoder, streams.decoder) == 0;
}

// ---- what arrived ----

H3Stream* H3Session::find(std::int64_t stream) {
  const auto found = streams_.find(stream);
  return found == streams_.end() ? nullptr : found->second.get();
}

void H3Session::opened(std::int64_t stream) {
  guard_.stream_opened(context_.loop.now());
  if (streams_.empty()) transport_.busy(true);
  streams_.emplace(stream, std::make_unique<H3Stream>(*this, stream));
  if (!sweep_.armed()) sweep_.arm(kSweepEvery);
}

std::expected<void, H3Session::Code> H3Session::received(std::int64_t stream, std::span<const std::uint8_t> bytes,
                                                         bool fin) {
  if (auto fine = screen(stream, bytes); !fine) return fine;
  const auto consumed =
      nghttp3_conn_read_stream2(conn_.get(), stream, bytes.data(), bytes.size(), fin ? 1 : 0, stamp());
  if (consumed > 0) {
    transport_.credit_stream(stream, static_cast<std::size_t>(consumed));
    transport_.credit_connection(static_cast<std::size_t>(consumed));
  }
  // A body that contradicts its content-length. nghttp3 is of no use after any error, so the connection ends; but the
  // log shall not say that the client left.
  if (consumed == NGHTTP3_ERR_MALFORMED_HTTP_MESSAGING) {
    if (H3Stream* const node = find(stream)) node->fail(Fault::kRequestBodyInvalid);
  }
  return outcome(consumed);
}

std::expected<void, H3Session::Code> H3Session::screen(std::int64_t stream, std::span<const std::uint8_t> bytes) {
  constexpr std::int64_t kKindOfStream = 3;
  constexpr std::int64_t kUniOfClient = 2;  // RFC 9000 section 2.1
  if ((stream & kKindOfStream) != kUniOfClient) return {};
  auto fine = screen_.check(stream, bytes);
  if (!fine && fine.error() == NGHTTP3_H3_EXCESSIVE_LOAD) count(Abuse::kExcessiveHead);
  return fine;
}

void H3Session::client_reset(std::int64_t stream) {
  H3Stream* const node = find(stream);
  nghttp3_conn_shutdown_stream_read(conn_.get(), stream);
  if (node == nullptr) return;
  cancelled(*node);
  node->on_cancelled();
  nghttp3_conn_shutdown_stream_write(conn_.get(), stream);
  transport_.reset(stream, NGHTTP3_H3_REQUEST_CANCELLED);
}

std::expected<void, H3Session::Code> H3Session::closed(std::int64_t stream, Code code) {
  screen_.closed(stream);
  const int status = nghttp3_conn_close_stream(conn_.get(), stream, code);
  if (const auto found = streams_.find(stream); found != streams_.end()) {
    cancelled(*found->second);
    found->second->drop_held();
    streams_.erase(found);
    if (streams_.empty()) transport_.busy(false);
    finish_if_drained();
  }
  return outcome(status == NGHTTP3_ERR_STREAM_NOT_FOUND ? 0 : status);
}

// ---- what is to be sent ----

std::expected<void, H3Session::Code> H3Session::next(Piece& piece) {
  int fin = 0;
  const auto count = nghttp3_conn_writev_stream(conn_.get(), &piece.stream, &fin, piece.part.data(), Piece::kMaxParts);
  piece.fin = fin != 0;
  piece.parts = count > 0 ? static_cast<std::size_t>(count) : 0;
  return outcome(count);
}

std::expected<void, H3Session::Code> H3Session::sent(const Piece& piece, std::size_t bytes) {
  const int status = nghttp3_conn_add_write_offset(conn_.get(), piece.stream, bytes);
  if (H3Stream* const stream = find(piece.stream)) {
    const bool all = nghttp3_vec_len(piece.part.data(), piece.parts) == bytes;
    stream->on_sent(piece.fin && all);
  }
  return outcome(status);
}

void H3Session::blocked(std::int64_t stream) {
  if (H3Stream* const node = find(stream)) node->on_blocked();
  nghttp3_conn_block_stream(conn_.get(), stream);
}

void H3Session::unblocked(std::int64_t stream) {
  if (H3Stream* const node = find(stream)) node->on_window();
  nghttp3_conn_unblock_stream(conn_.get(), stream);
}

void H3Session::unwritable(std::int64_t stream) {
  nghttp3_conn_shutdown_stream_write(conn_.get(), stream);
  H3Stream* const node = find(stream);
  if (node == nullptr) return;
  cancelled(*node);
  node->on_cancelled();
  nghttp3_conn_shutdown_stream_read(conn_.get(), stream);
  transport_.stop_sending(stream, NGHTTP3_H3_REQUEST_CANCELLED);
}

std::expected<void, H3Session::Code> H3Session::acknowledged(std::int64_t stream, std::uint64_t bytes) {
  return outcome(nghttp3_conn_add_ack_offset(conn_.get(), stream, bytes));
}

std::expected<void, H3Session::Code> H3Session::outcome(nghttp3_ssize status) const {
  if (status >= 0) return {};
  if (status == NGHTTP3_ERR_CALLBACK_FAILURE && life_.failure) return std::unexpected(*life_.failure);
  return std::unexpected(nghttp3_err_infer_quic_app_error_code(static_cast<int>(status)));
}

// ---- single streams ----

void H3Session::reset(H3Stream& stream, Code code) {
  nghttp3_conn_shutdown_stream_write(conn_.get(), stream.id());
  nghttp3_conn_shutdown_stream_read(conn_.get(), stream.id());
  transport_.reset(stream.id(), code);
  transport_.stop_sending(stream.id(), code);
  transport_.wake_flush();
  stream.on_cancelled();
  // The client's messages make us do it (what MadeYouReset is for h2).
  if (code == NGHTTP3_H3_MESSAGE_ERROR) count(Abuse::kForcedReset);
}

void H3Session::cancelled(const H3Stream& stream) {
  if (stream.responded()) return;
  if (!stream.responding()) guard_.stream_cancelled(stream.opened(), context_.loop.now());
  count(Abuse::kReset);
}

void H3Session::count(Abuse act) {
  if (life_.finished || guard_.allows(act, context_.loop.now())) return;
  life_.finished = true;
  report_abuse(context_, peer_.client.address, act);
  transport_.finish(NGHTTP3_H3_EXCESSIVE_LOAD);
}

// The answer is complete and the request is not: RFC 9114 section 4.1.
void H3Session::stop_reading(H3Stream& stream) {
  nghttp3_conn_shutdown_stream_read(conn_.get(), stream.id());
  transport_.stop_sending(stream.id(), NGHTTP3_H3_NO_ERROR);
}

void H3Session::sweep() {
  const MonotonicTime now = context_.loop.now();
  for (auto& [id, stream] : streams_) {
    const auto fault = stream->overdue(now);
    if (!fault) continue;
    stream->fail(*fault);
    reset(*stream, rule(*fault).codes.h3);
  }
  if (!streams_.empty()) sweep_.arm(kSweepEvery);
}

// ---- life ----

void H3Session::request_began() {
  ++life_.requests;
  const std::uint64_t most = context_.policy->connection.max_requests;
  if (most != 0 && life_.requests >= most) drain();
}

void H3Session::drain() {
  if (std::exchange(life_.draining, true)) return;
  nghttp3_conn_submit_shutdown_notice(conn_.get());
  drain_.arm(kLastGoawayAfter);
  transport_.wake_flush();
}

void H3Session::send_last_goaway() {
  nghttp3_conn_shutdown(conn_.get());
  life_.last_goaway_sent = true;
  transport_.wake_flush();
  finish_if_drained();
}

void H3Session::finish_if_drained() {
  if (life_.last_goaway_sent && streams_.empty()) transport_.finish(NGHTTP3_H3_NO_ERROR);
}

ClientConnection::Standing H3Session::standing() const {
  if (streams_.empty() && life_.requests > 0) return ClientConnection::Standing::kIdle;
  const bool serving = std::ranges::any_of(streams_, [](const auto& entry) { return entry.second->begun(); });
  return serving ? ClientConnection::Standing::kServing : ClientConnection::Standing::kUnfinished;
}

void H3Session::cancel_all() {
  streams_.clear();
}

std::uint64_t H3Session::stamp() const {
  return static_cast<std::uint64_t>(context_.loop.now().time_since_epoch().count());
}

}  // namespace gatehouse
