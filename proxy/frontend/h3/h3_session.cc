#include "proxy/frontend/h3/h3_session.h"

#include <algorithm>
#include <array>
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

H3Stream* stream_of(void* stream) {
  return static_cast<H3Stream*>(stream);
}

}  // namespace

// What nghttp3 calls, with the session as its user data and the H3Stream as the stream's.
struct H3Callbacks {
  static H3Session& session_of(void* session) { return *static_cast<H3Session*>(session); }

  static int acked_stream_data(nghttp3_conn* /*conn*/, std::int64_t /*id*/, std::uint64_t size, void* /*session*/,
                               void* stream) {
    if (stream != nullptr) stream_of(stream)->on_acknowledged(static_cast<std::size_t>(size));
    return 0;
  }
  // Of a request behind the last GOAWAY.
  static int stop_sending(nghttp3_conn* /*conn*/, std::int64_t id, std::uint64_t code, void* session,
                          void* /*stream*/) {
    session_of(session).transport_.stop_sending(id, code);
    return 0;
  }
  static int reset_stream(nghttp3_conn* /*conn*/, std::int64_t id, std::uint64_t code, void* session,
                          void* /*stream*/) {
    session_of(session).transport_.reset(id, code);
    if (H3Stream* const node = session_of(session).find(id)) node->on_cancelled();
    return 0;
  }
  static void rand(std::uint8_t* out, std::size_t size) { random::fill_secure({out, size}); }

  static const nghttp3_callbacks& table() {
    static const nghttp3_callbacks kCallbacks = [] {
      nghttp3_callbacks c{};
      c.acked_stream_data = acked_stream_data;
      c.stop_sending = stop_sending;
      c.reset_stream = reset_stream;
      c.rand = rand;
      return c;
    }();
    return kCallbacks;
  }
};

H3Session::Wakeups::Wakeups(H3Session& session)
    : sweep(session.context_.loop, [&session] { session.sweep(); }),
      drain(session.context_.loop, [&session] { session.send_last_goaway(); }),
      refilled(session.context_.loop, [&session] { session.on_refilled(); }) {}

H3Session::H3Session(ListenerContext& context, H3Transport& transport, const H3Options& options, Peer peer)
    : context_(context),
      transport_(transport),
      options_(options),
      peer_(std::move(peer)),
      fields_({.capacity = kQpackTable,
               .blocked = kQpackBlockedStreams,
               .streams = context.policy->connection.max_streams}),
      guard_(context.loop.now()),
      wakeups_(*this) {
  life_.growth = UploadGrowth(options.window_growth);
  peer_.client.belongings = &peer_.belongings;
}

H3Session::~H3Session() = default;

bool H3Session::start(const OwnStreams& streams) {
  nghttp3_settings settings;
  nghttp3_settings_default(&settings);
  settings.max_field_section_size = context_.policy->head.max_header_bytes;
  settings.qpack_max_dtable_capacity = kQpackTable;
  settings.qpack_blocked_streams = kQpackBlockedStreams;
  settings.enable_connect_protocol = 1;
  nghttp3_conn* conn = nullptr;
  if (nghttp3_conn_server_new(&conn, &H3Callbacks::table(), &settings, nullptr, this) != 0) return false;
  conn_.reset(conn);
  fields_.stream().open(streams.decoder);
  life_.allowance.streams = context_.policy->connection.max_streams;
  return fields_.start() && nghttp3_conn_bind_control_stream(conn, streams.control) == 0 &&
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
  auto& [id, node] = *streams_.emplace(stream, std::make_unique<H3Stream>(*this, stream)).first;
  Allowance& allowance = life_.allowance;
  allowance.highest = std::max(allowance.highest, stream);
  if (!allowance.early.empty() && std::erase(allowance.early, stream) > 0) node->keep_priority();
  if (!announce(stream)) transport_.finish(NGHTTP3_H3_INTERNAL_ERROR);
  nghttp3_conn_set_stream_user_data(conn_.get(), stream, node.get());
  if (!wakeups_.sweep.armed()) wakeups_.sweep.arm(kSweepEvery);
}

H3Session::Outcome H3Session::received(std::int64_t stream, std::span<const std::uint8_t> bytes, bool fin) {
  if (H3UniStreams::is_uni(stream)) return receive_uni(stream, bytes, fin);
  if (H3Stream* const node = find(stream)) return node->receive(bytes, fin);
  transport_.credit_connection(bytes.size());
  return {};
}

void H3Session::client_reset(std::int64_t stream) {
  H3Stream* const node = find(stream);
  if (node == nullptr) return;
  cancelled(*node);
  node->on_cancelled();
  nghttp3_conn_shutdown_stream_write(conn_.get(), stream);
  transport_.reset(stream, NGHTTP3_H3_REQUEST_CANCELLED);
}

H3Session::Outcome H3Session::closed(std::int64_t stream, Code code) {
  if (auto fine = uni_.closed(stream); !fine) return fine;
  const int status = nghttp3_conn_close_stream(conn_.get(), stream, code);
  if (const auto found = streams_.find(stream); found != streams_.end()) {
    cancelled(*found->second);
    found->second->on_cancelled();
    const std::size_t grown = found->second->window().shrink();
    life_.growth.give_back(grown);
    life_.window_debt += grown;
    streams_.erase(found);
    ++life_.allowance.streams;
    if (streams_.empty()) transport_.busy(false);
    finish_if_drained();
  }
  return outcome(status == NGHTTP3_ERR_STREAM_NOT_FOUND ? 0 : status);
}

void H3Session::credit_connection(std::size_t bytes) {
  const std::size_t paid = std::min(bytes, life_.window_debt);
  life_.window_debt -= paid;
  if (bytes > paid) transport_.credit_connection(bytes - paid);
}

// ---- what is to be sent ----

H3Session::Outcome H3Session::next(Piece& piece) {
  if (life_.refilling) return {};
  if (fields_.has_output()) {
    piece.stream = fields_.stream().id();
    piece.parts = fields_.stream().parts(piece.part.data(), Piece::kMaxParts);
    return {};
  }
  int fin = 0;
  const auto count = nghttp3_conn_writev_stream(conn_.get(), &piece.stream, &fin, piece.part.data(), Piece::kMaxParts);
  piece.fin = fin != 0;
  piece.parts = count > 0 ? static_cast<std::size_t>(count) : 0;
  return outcome(count);
}

H3Session::Outcome H3Session::sent(const Piece& piece, std::size_t bytes) {
  if (H3DecoderStream& decoder = fields_.stream(); piece.stream == decoder.id() && bytes > 0) {
    if (decoder.typed()) {
      decoder.on_sent(bytes);
      return {};
    }
    decoder.on_typed();
  }
  const int status = nghttp3_conn_add_write_offset(conn_.get(), piece.stream, bytes);
  if (H3Stream* const stream = find(piece.stream)) {
    const bool all = nghttp3_vec_len(piece.part.data(), piece.parts) == bytes;
    stream->on_sent(piece.fin && all);
  }
  return outcome(status);
}

void H3Session::blocked(std::int64_t stream) {
  if (H3Stream* const node = find(stream)) node->on_blocked();
  if (stream == fields_.stream().id()) fields_.stream().set_blocked(true);
  nghttp3_conn_block_stream(conn_.get(), stream);
}

void H3Session::unblocked(std::int64_t stream) {
  if (H3Stream* const node = find(stream)) node->on_window();
  if (stream == fields_.stream().id()) fields_.stream().set_blocked(false);
  nghttp3_conn_unblock_stream(conn_.get(), stream);
}

void H3Session::unwritable(std::int64_t stream) {
  if (stream == fields_.stream().id()) fields_.stream().set_blocked(true);  // for good: the connection ends with it
  nghttp3_conn_shutdown_stream_write(conn_.get(), stream);
  H3Stream* const node = find(stream);
  if (node == nullptr) return;
  cancelled(*node);
  node->on_cancelled();
  transport_.stop_sending(stream, NGHTTP3_H3_REQUEST_CANCELLED);
}

H3Session::Outcome H3Session::acknowledged(std::int64_t stream, std::uint64_t bytes) {
  if (stream == fields_.stream().id()) {
    fields_.stream().on_acknowledged(static_cast<std::size_t>(bytes));
    return {};
  }
  return outcome(nghttp3_conn_add_ack_offset(conn_.get(), stream, bytes));
}

H3Session::Outcome H3Session::outcome(nghttp3_ssize status) {
  if (status >= 0) return {};
  return std::unexpected(nghttp3_err_infer_quic_app_error_code(static_cast<int>(status)));
}

// ---- single streams ----

void H3Session::reset(H3Stream& stream, Code code) {
  nghttp3_conn_shutdown_stream_write(conn_.get(), stream.id());
  transport_.reset(stream.id(), code);
  transport_.stop_sending(stream.id(), code);
  transport_.wake_flush();
  stream.on_cancelled();
  // The client's messages make us do it (what MadeYouReset is for h2).
  if (code == NGHTTP3_H3_MESSAGE_ERROR || code == NGHTTP3_H3_REQUEST_INCOMPLETE) count(Abuse::kForcedReset);
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

H3Session::Code H3Session::excessive() {
  count(Abuse::kExcessiveHead);
  return NGHTTP3_H3_EXCESSIVE_LOAD;
}

// The answer is complete and the request is not: RFC 9114 section 4.1.
void H3Session::stop_reading(H3Stream& stream) {
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
  if (!streams_.empty()) wakeups_.sweep.arm(kSweepEvery);
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
  wakeups_.drain.arm(kLastGoawayAfter);
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

}  // namespace gatehouse
