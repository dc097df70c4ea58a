// The junction of nghttp2 and our HTTP/2 classes: makes a server session with its options and callbacks, each of
// which finds the H2Stream and calls it. Nothing is decided here but what nghttp2 needs to be told. One loop's
// thread. No object: the connection is nghttp2's user data, the H2Stream that of a stream.
//
//   H2Connection::feed        --> nghttp2 --> on_begin_frame, on_begin_headers, on_header.., on_frame, on_data_chunk
//   H2Connection::make_frames --> nghttp2 --> next_data, send_data, on_frame_sent
//   either of them            --> nghttp2 --> on_stream_close: the last call for a stream
#pragma once

#include "proxy/frontend/h2/h2_connection.h"

namespace gatehouse {

struct H2Callbacks {
  // Returns null only if memory is short. The connection outlives the session.
  static H2SessionPtr make_session(H2Connection& connection);

 private:
  // nghttp2's tables, made once.
  struct Shared;

  // Counts frames that cost us more than the client.
  static int on_begin_frame(nghttp2_session* session, const nghttp2_frame_hd* head, void* user);
  // Opens the stream of a request, and begins the time for its head.
  static int on_begin_headers(nghttp2_session* session, const nghttp2_frame* frame, void* user);
  // Resets the stream with REFUSED_STREAM, so that the client may ask again.
  static int refuse(H2Connection& connection, std::int32_t id);
  // Fails the session where decoding on is not worth while.
  static int on_header(nghttp2_session* session, const nghttp2_frame* frame, const std::uint8_t* name,
                       std::size_t name_size, const std::uint8_t* value, std::size_t value_size, std::uint8_t flags,
                       void* user);
  // A field that nghttp2 would drop makes its message malformed (RFC 9113 section 8.1.1).
  static int on_invalid_header(nghttp2_session* session, const nghttp2_frame* frame, const std::uint8_t* name,
                               std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                               std::uint8_t flags, void* user);
  // A stream error that nghttp2 has found: it resets the stream itself.
  static int on_invalid_frame(nghttp2_session* session, const nghttp2_frame* frame, int error, void* user);
  static int on_frame(nghttp2_session* session, const nghttp2_frame* frame, void* user);
  // Moves the bytes out of the input as they lie there.
  static int on_data_chunk(nghttp2_session* session, std::uint8_t flags, std::int32_t id, const std::uint8_t* data,
                           std::size_t size, void* user);
  // Frames of a type that nobody knows are ignored (RFC 9113 section 5.5).
  static int on_extension(nghttp2_session* session, void** payload, const nghttp2_frame_hd* head, void* user);
  static int on_frame_sent(nghttp2_session* session, const nghttp2_frame* frame, void* user);
  // A head, trailers or a promise that nghttp2 cannot make a frame of.
  static int on_frame_not_sent(nghttp2_session* session, const nghttp2_frame* frame, int error, void* user);
  // Once for each stream, unless the session goes first.
  static int on_stream_close(nghttp2_session* session, std::int32_t id, std::uint32_t code, void* user);
  // How much the next DATA frame of the stream gets.
  static nghttp2_ssize next_data(nghttp2_session* session, std::int32_t id, std::uint8_t* buffer, std::size_t most,
                                 std::uint32_t* flags, nghttp2_data_source* source, void* user);
  // The payload that next_data() has promised in the same call of nghttp2.
  static int send_data(nghttp2_session* session, nghttp2_frame* frame, const std::uint8_t* head, std::size_t size,
                       nghttp2_data_source* source, void* user);

  static void on_reset(H2Connection& connection, std::int32_t id);
  static void on_request_frame(H2Connection& connection, const nghttp2_frame& frame);

  // Uses next_data as the source of its DATA.
  friend class H2Stream;
};

}  // namespace gatehouse
