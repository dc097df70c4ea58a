// The junction of nghttp2 and our HTTP/2 classes: makes a server session with its options and callbacks, each of which
// finds the H2Stream and calls it. Nothing is decided here but what nghttp2 needs to be told. One loop's thread.
#pragma once

#include "proxy/frontend/h2/h2_connection.h"

namespace gatehouse {

struct H2Callbacks {
  // Null only if memory is short. The connection outlives the session.
  static H2SessionPtr make_session(H2Connection& connection);

 private:
  struct Shared;  // nghttp2's tables, made once

  static int on_begin_frame(nghttp2_session* session, const nghttp2_frame_hd* head, void* user);
  static int on_begin_headers(nghttp2_session* session, const nghttp2_frame* frame, void* user);
  static int on_header(nghttp2_session* session, const nghttp2_frame* frame, const std::uint8_t* name,
                       std::size_t name_size, const std::uint8_t* value, std::size_t value_size, std::uint8_t flags,
                       void* user);
  static int on_invalid_header(nghttp2_session* session, const nghttp2_frame* frame, const std::uint8_t* name,
                               std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                               std::uint8_t flags, void* user);
  static int on_invalid_frame(nghttp2_session* session, const nghttp2_frame* frame, int error, void* user);
  static int on_frame(nghttp2_session* session, const nghttp2_frame* frame, void* user);
  static int on_data_chunk(nghttp2_session* session, std::uint8_t flags, std::int32_t id, const std::uint8_t* data,
                           std::size_t size, void* user);
  static int on_extension(nghttp2_session* session, void** payload, const nghttp2_frame_hd* head, void* user);
  static int on_frame_sent(nghttp2_session* session, const nghttp2_frame* frame, void* user);
  static int on_stream_close(nghttp2_session* session, std::int32_t id, std::uint32_t code, void* user);
  static nghttp2_ssize next_data(nghttp2_session* session, std::int32_t id, std::uint8_t* buffer, std::size_t most,
                                 std::uint32_t* flags, nghttp2_data_source* source, void* user);
  static int send_data(nghttp2_session* session, nghttp2_frame* frame, const std::uint8_t* head, std::size_t size,
                       nghttp2_data_source* source, void* user);

  static void on_request_frame(H2Connection& connection, const nghttp2_frame& frame);

  friend class H2Stream;  // uses next_data as the source of its DATA
};

}  // namespace gatehouse
