#include "proxy/frontend/h2/h2_callbacks.h"

#include <string_view>
#include <utility>

#include "common/event_loop.h"
#include "proxy/frontend/h2/h2_memory.h"

namespace gatehouse {

namespace {

struct CallbacksDeleter {
  void operator()(nghttp2_session_callbacks* callbacks) const { nghttp2_session_callbacks_del(callbacks); }
};
struct OptionDeleter {
  void operator()(nghttp2_option* option) const { nghttp2_option_del(option); }
};

constexpr std::size_t kMostQueuedAcks = 100;
// nghttp2 counts each piece in which the head of one comes, even a byte. on_begin_frame() counts the frames.
constexpr std::size_t kMostContinuations = 8;
constexpr std::size_t kMostPieces = kMostContinuations * 9;
constexpr unsigned kTypes = 256;
constexpr std::uint64_t kNoLimit = 1ULL << 32;
// In nghttp2's own estimate. The limits of responses are the endpoint connection's; no head that it lets through, with
// what we add, comes near this.
constexpr std::size_t kMostHeadBytes = 1024UL * 1024;

H2Connection& connection_of(void* user) {
  return *static_cast<H2Connection*>(user);
}

H2Stream* stream_of(nghttp2_session* session, std::int32_t id) {
  return static_cast<H2Stream*>(nghttp2_session_get_stream_user_data(session, id));
}

std::string_view text_of(const std::uint8_t* bytes, std::size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

// With these types nghttp2 shows us what it would skip unseen; a flood of it must be seen.
void show_unknown_frames(nghttp2_option* option) {
  for (unsigned type = NGHTTP2_CONTINUATION + 1; type < kTypes; ++type) {
    if (type == NGHTTP2_PRIORITY_UPDATE) continue;
    nghttp2_option_set_user_recv_extension_type(option, static_cast<std::uint8_t>(type));
  }
  nghttp2_option_set_builtin_recv_extension_type(option, NGHTTP2_PRIORITY_UPDATE);
}

}  // namespace

struct H2Callbacks::Shared {
  std::unique_ptr<nghttp2_session_callbacks, CallbacksDeleter> callbacks;
  std::unique_ptr<nghttp2_option, OptionDeleter> option;

  Shared() {
    nghttp2_session_callbacks* raw_callbacks = nullptr;
    nghttp2_option* raw_option = nullptr;
    const bool made = nghttp2_session_callbacks_new(&raw_callbacks) == 0 && nghttp2_option_new(&raw_option) == 0;
    callbacks.reset(raw_callbacks);
    option.reset(raw_option);
    if (!made) return;
    nghttp2_session_callbacks_set_on_begin_frame_callback(raw_callbacks, on_begin_frame);
    nghttp2_session_callbacks_set_on_begin_headers_callback(raw_callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(raw_callbacks, on_header);
    nghttp2_session_callbacks_set_on_invalid_header_callback(raw_callbacks, on_invalid_header);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(raw_callbacks, on_invalid_frame);
    nghttp2_session_callbacks_set_on_frame_recv_callback(raw_callbacks, on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(raw_callbacks, on_data_chunk);
    nghttp2_session_callbacks_set_unpack_extension_callback(raw_callbacks, on_extension);
    nghttp2_session_callbacks_set_on_frame_send_callback(raw_callbacks, on_frame_sent);
    nghttp2_session_callbacks_set_on_frame_not_send_callback(raw_callbacks, on_frame_not_sent);
    nghttp2_session_callbacks_set_on_stream_close_callback(raw_callbacks, on_stream_close);
    nghttp2_session_callbacks_set_send_data_callback(raw_callbacks, send_data);
    nghttp2_option_set_no_auto_window_update(raw_option, 1);
    nghttp2_option_set_no_closed_streams(raw_option, 1);
    nghttp2_option_set_max_continuations(raw_option, kMostPieces);
    nghttp2_option_set_max_outbound_ack(raw_option, kMostQueuedAcks);
    nghttp2_option_set_max_send_header_block_length(raw_option, kMostHeadBytes);
    // AbuseGuard judges them, and says so: nghttp2's limit would end the connection without a word.
    nghttp2_option_set_stream_reset_rate_limit(raw_option, kNoLimit, kNoLimit);
    show_unknown_frames(raw_option);
  }
};

H2SessionPtr H2Callbacks::make_session(H2Connection& connection) {
  static const Shared kShared;
  nghttp2_session* session = nullptr;
  if (!kShared.callbacks || !kShared.option) return nullptr;
  if (nghttp2_session_server_new3(&session, kShared.callbacks.get(), &connection, kShared.option.get(), h2_memory()) !=
      0) {
    return nullptr;
  }
  return H2SessionPtr(session);
}

// Behind an end for cause nothing more is read: of a frame that is under way the rest, of the next one nothing.
int H2Callbacks::on_begin_frame(nghttp2_session* /*session*/, const nghttp2_frame_hd* head, void* user) {
  if (connection_of(user).state_.terminating) return NGHTTP2_ERR_CALLBACK_FAILURE;
  switch (head->type) {
    case NGHTTP2_DATA:
    case NGHTTP2_RST_STREAM:
      return 0;
    case NGHTTP2_HEADERS:
      connection_of(user).state_.continuations = 0;
      return 0;
    case NGHTTP2_CONTINUATION:
      if (++connection_of(user).state_.continuations <= kMostContinuations) return 0;
      connection_of(user).count(Abuse::kExcessiveHead);
      return NGHTTP2_ERR_CALLBACK_FAILURE;
    case NGHTTP2_WINDOW_UPDATE:
      connection_of(user).count(Abuse::kWindow);
      return 0;
    case NGHTTP2_SETTINGS:
      // nghttp2 knows how many acknowledgements there may be.
      if ((head->flags & NGHTTP2_FLAG_ACK) != 0) return 0;
      [[fallthrough]];
    case NGHTTP2_PING:
    case NGHTTP2_GOAWAY:
      connection_of(user).count(Abuse::kControl);
      return 0;
    default:
      connection_of(user).count(Abuse::kOther);
      return 0;
  }
}

int H2Callbacks::on_begin_headers(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
  H2Connection& connection = connection_of(user);
  const bool request = frame->headers.cat == NGHTTP2_HCAT_REQUEST;
  const std::int32_t id = frame->hd.stream_id;
  if (request && connection.full()) return refuse(connection, id);
  connection.set_deadline(H2Connection::kHeaders, connection.context_.policy->connection.header_timeout);
  if (!request) return 0;
  H2Stream* stream = connection.open_stream(id);
  return nghttp2_session_set_stream_user_data(session, id, stream) == 0 ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
}

// The head is decoded all the same, for the table that all heads share, but nobody looks at it. Who goes on and on is
// an attacker: a client knows the limit once it has our SETTINGS.
int H2Callbacks::refuse(H2Connection& connection, std::int32_t id) {
  connection.count(Abuse::kForcedReset);
  connection.note_closed(id, H2Stream::kFirstWindow);
  const int queued = nghttp2_submit_rst_stream(connection.session(), NGHTTP2_FLAG_NONE, id, NGHTTP2_REFUSED_STREAM);
  return queued == 0 ? NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE : NGHTTP2_ERR_CALLBACK_FAILURE;
}

int H2Callbacks::on_header(nghttp2_session* session, const nghttp2_frame* frame, const std::uint8_t* name,
                           std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                           std::uint8_t /*flags*/, void* user) {
  H2Stream* stream = stream_of(session, frame->hd.stream_id);
  if (stream == nullptr || stream->on_header(text_of(name, name_size), text_of(value, value_size))) return 0;
  connection_of(user).count(Abuse::kExcessiveHead);
  return NGHTTP2_ERR_CALLBACK_FAILURE;  // nothing less keeps nghttp2 from decoding the rest of the block
}

// nghttp2 would drop the field and go on; a message with such a field is malformed (RFC 9113 section 8.1.1).
int H2Callbacks::on_invalid_header(nghttp2_session* session, const nghttp2_frame* frame, const std::uint8_t* /*name*/,
                                   std::size_t /*name_size*/, const std::uint8_t* /*value*/, std::size_t /*value_size*/,
                                   std::uint8_t /*flags*/, void* user) {
  const std::int32_t id = frame->hd.stream_id;
  H2Stream* stream = stream_of(session, id);
  if (stream != nullptr && stream->on_malformed()) connection_of(user).count(Abuse::kForcedReset);
  const int queued = nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, id, NGHTTP2_PROTOCOL_ERROR);
  return queued == 0 ? NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE : NGHTTP2_ERR_CALLBACK_FAILURE;
}

// Stream errors that nghttp2 has found: it resets the stream itself.
int H2Callbacks::on_invalid_frame(nghttp2_session* session, const nghttp2_frame* frame, int /*error*/, void* user) {
  if (frame->hd.stream_id == 0) return 0;
  if (H2Stream* stream = stream_of(session, frame->hd.stream_id)) static_cast<void>(stream->on_malformed());
  connection_of(user).count(Abuse::kForcedReset);
  return 0;
}

int H2Callbacks::on_frame(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
  H2Connection& connection = connection_of(user);
  switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
      connection.clear_deadline(H2Connection::kHeaders);
      on_request_frame(connection, *frame);
      return 0;
    case NGHTTP2_DATA:
      on_request_frame(connection, *frame);
      return 0;
    case NGHTTP2_RST_STREAM:
      on_reset(connection, frame->hd.stream_id);
      return 0;
    case NGHTTP2_SETTINGS:
      if ((frame->hd.flags & NGHTTP2_FLAG_ACK) != 0) connection.clear_deadline(H2Connection::kSettings);
      connection.on_window_opened();
      return 0;
    case NGHTTP2_WINDOW_UPDATE:
      if (frame->hd.stream_id == 0) ++connection.state_.windows;
      if (H2Stream* stream = stream_of(session, frame->hd.stream_id)) stream->on_window();
      connection.on_window_opened();
      return 0;
    case NGHTTP2_PRIORITY_UPDATE:
      connection.on_priority_update(*static_cast<const nghttp2_ext_priority_update*>(frame->ext.payload));
      return 0;
    case NGHTTP2_PING:
      // The only PING that we send asks whether the client has seen the first GOAWAY.
      if ((frame->hd.flags & NGHTTP2_FLAG_ACK) != 0 && connection.state_.draining) connection.send_final_goaway();
      return 0;
    default:
      return 0;
  }
}

void H2Callbacks::on_reset(H2Connection& connection, std::int32_t id) {
  H2Stream* const stream = stream_of(connection.session(), id);
  const bool pushed = id % 2 == 0;
  if (stream != nullptr && !stream->responding() && !pushed) {
    connection.guard_.stream_cancelled(stream->opened(), connection.context_.loop.now());
  }
  if (stream != nullptr) stream->on_cancelled();
  if (!pushed || !connection.streams_.pushes.excuses_reset()) connection.count(Abuse::kReset);
}

void H2Callbacks::on_request_frame(H2Connection& connection, const nghttp2_frame& frame) {
  H2Stream* stream = stream_of(connection.session(), frame.hd.stream_id);
  if (stream == nullptr || connection.state_.terminating) return;
  const bool end = (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  if (frame.hd.type == NGHTTP2_HEADERS && frame.headers.cat == NGHTTP2_HCAT_REQUEST) {
    stream->on_head(end);
  } else if (end) {
    stream->on_end();
  } else if (frame.hd.type == NGHTTP2_DATA && frame.hd.length == frame.data.padlen && !stream->on_empty_data()) {
    connection.count(Abuse::kEmptyFrame);
  }
}

// The bytes lie in the first run of the input: they leave it as they are.
int H2Callbacks::on_data_chunk(nghttp2_session* session, std::uint8_t /*flags*/, std::int32_t id,
                               const std::uint8_t* data, std::size_t size, void* user) {
  H2Connection& connection = connection_of(user);
  const char* const run = connection.input_.front().data();
  const auto before = static_cast<std::size_t>(reinterpret_cast<const char*>(data) - run);
  connection.input_.consume(before);
  Buffer bytes = connection.input_.split(size);
  connection.state_.fed_from_run += before + size;
  H2Stream* stream = stream_of(session, id);
  connection.account(id, size, stream == nullptr ? size : 0);
  if (stream != nullptr) stream->on_data(std::move(bytes));
  return 0;
}

// Of a type that nobody knows: counted by on_begin_frame, and ignored (RFC 9113 section 5.5).
int H2Callbacks::on_extension(nghttp2_session* /*session*/, void** /*payload*/, const nghttp2_frame_hd* /*head*/,
                              void* /*user*/) {
  return NGHTTP2_ERR_CANCEL;
}

int H2Callbacks::on_frame_sent(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
  const std::uint8_t type = frame->hd.type;
  const bool ends =
      (type == NGHTTP2_DATA || type == NGHTTP2_HEADERS) && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  if (ends) {
    if (H2Stream* stream = stream_of(session, frame->hd.stream_id)) stream->on_end_sent();
  } else if (type == NGHTTP2_SETTINGS && (frame->hd.flags & NGHTTP2_FLAG_ACK) == 0) {
    H2Connection& connection = connection_of(user);
    connection.set_deadline(H2Connection::kSettings, connection.context_.policy->connection.handshake_timeout);
  } else if (type == NGHTTP2_GOAWAY && frame->goaway.error_code != NGHTTP2_NO_ERROR) {
    // Where it is not ours, nghttp2 has found an error of the whole connection, and ends it by itself.
    const bool flood = frame->goaway.error_code == NGHTTP2_ENHANCE_YOUR_CALM;
    connection_of(user).cut(flood ? Abuse::kLibraryVerdict : Abuse::kProtocolError, frame->goaway.error_code);
  } else if (type == NGHTTP2_PUSH_PROMISE) {
    if (H2Stream* stream = stream_of(session, frame->push_promise.promised_stream_id)) stream->on_promised();
  }
  return 0;
}

// Without this the client would wait for a head, an end or trailers that never come.
int H2Callbacks::on_frame_not_sent(nghttp2_session* session, const nghttp2_frame* frame, int /*error*/, void* user) {
  if (frame->hd.type == NGHTTP2_PUSH_PROMISE) {
    connection_of(user).on_not_promised(frame->push_promise.promised_stream_id);
  }
  if (frame->hd.type != NGHTTP2_HEADERS) return 0;
  if (H2Stream* stream = stream_of(session, frame->hd.stream_id)) stream->on_not_sent();
  return 0;
}

int H2Callbacks::on_stream_close(nghttp2_session* session, std::int32_t id, std::uint32_t code, void* user) {
  H2Stream* stream = stream_of(session, id);
  if (stream == nullptr) return 0;
  // nghttp2 tells of a wrong length in no other way.
  if (code == NGHTTP2_PROTOCOL_ERROR && stream->on_malformed()) connection_of(user).count(Abuse::kForcedReset);
  connection_of(user).end_stream(*stream);
  return 0;
}

nghttp2_ssize H2Callbacks::next_data(nghttp2_session* session, std::int32_t id, std::uint8_t* /*buffer*/,
                                     std::size_t most, std::uint32_t* flags, nghttp2_data_source* /*source*/,
                                     void* /*user*/) {
  H2Stream* stream = stream_of(session, id);
  if (stream == nullptr) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  return stream->next_data(most, *flags);
}

// The payload that next_data() has promised in this same call of nghttp2.
int H2Callbacks::send_data(nghttp2_session* session, nghttp2_frame* frame, const std::uint8_t* head, std::size_t size,
                           nghttp2_data_source* /*source*/, void* user) {
  constexpr std::size_t kFrameHead = 9;
  H2Connection& connection = connection_of(user);
  H2Stream* stream = stream_of(session, frame->hd.stream_id);
  if (stream == nullptr) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  connection.output_.append(text_of(head, kFrameHead));
  connection.output_.append(stream->take_data(size));
  connection.guard_.data_sent(size);
  if (connection.lets_endpoints_go_on(*stream)) return NGHTTP2_ERR_PAUSE;
  return connection.output_.size() < H2Connection::kOutputMark ? 0 : NGHTTP2_ERR_PAUSE;
}

}  // namespace gatehouse
