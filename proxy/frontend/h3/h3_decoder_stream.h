// The bytes of our QPACK decoder stream (RFC 9204 section 4.4) from when they are written until the client has
// acknowledged them. nghttp3 opens the stream with its type and writes nothing else on it, as it decodes nothing; what
// H3FieldDecoder has to say follows. A member of its H3Session; one loop's thread.
//
//   type (nghttp3) | bytes_: sent, not acknowledged | not sent
#pragma once

#include <cstddef>
#include <cstdint>

#include <nghttp3/nghttp3.h>

#include "common/buffer.h"

namespace gatehouse {

class H3DecoderStream {
 public:
  // More than this is not written before the client has acknowledged some.
  static constexpr std::size_t kMost = 16 * 1024UL;

  void open(std::int64_t id) { id_ = id; }
  std::int64_t id() const { return id_; }
  // Where to write, or null while the type has not been sent, the client gives no window, or takes nothing.
  Buffer* room() { return typed_ && !blocked_ && bytes_.size() < kMost ? &bytes_ : nullptr; }
  // The type has been sent; what is sent on this stream from now on is ours.
  void on_typed() { typed_ = true; }
  bool typed() const { return typed_; }
  // There is something to send now.
  bool pending() const { return sent_ < bytes_.size() && !blocked_; }
  // Fills up to `max` parts with what is to be sent and returns how many. Good until it is acknowledged.
  std::size_t parts(nghttp3_vec* parts, std::size_t max) const;
  void on_sent(std::size_t bytes) { sent_ += bytes; }
  // Of the stream, its type included.
  void on_acknowledged(std::size_t bytes);
  void set_blocked(bool blocked) { blocked_ = blocked; }

 private:
  std::int64_t id_ = -1;
  Buffer bytes_;
  // Of bytes_.
  std::size_t sent_ = 0;
  bool typed_ = false;
  bool type_acknowledged_ = false;
  bool blocked_ = false;
};

}  // namespace gatehouse
