// The answer of one exchange on its way onto an HTTP/1.x connection: heads, framing, body, end. Moves what the
// exchange has into the connection's output, as much as there is room for. A value of H1Connection, one exchange at a
// time; its thread.
//
//   advance: interim heads --> head --> body, as it comes --> end
//            framing: none | Content-Length | chunked (1.1) | until close (1.0)     RFC 9112 section 6.3
#pragma once

#include <cstddef>
#include <cstdint>

#include "common/buffer.h"
#include "proxy/http/exchange/exchange.h"

namespace gatehouse {

class H1Response {
 public:
  // Of advance().
  enum class Outcome : std::uint8_t {
    // More is to come: call again when the exchange wakes or the output has left.
    kOpen,
    // Everything is in the output; not called again, but for a tunnel whose other half goes on.
    kComplete,
    // It ends here, incomplete, and the client must be able to tell; not called again.
    kBroken,
  };

  // Moves what the exchange has into `out`. `keep_alive` is asked for only when the final head is written;
  // keeps_connection() is what was promised. No body is taken while `out` holds kMark bytes or more. A body is never
  // longer than its Content-Length: what goes beyond it is dropped.
  Outcome advance(Exchange& exchange, Buffer& out, bool keep_alive);

  // The final head has been written.
  bool begun() const { return framing_ != Framing::kNotBegun; }
  // What the final head has said of the connection. An answer without length to HTTP/1.0 never keeps it.
  bool keeps_connection() const { return keep_alive_; }
  // Only the close of the connection marks the end of the body.
  bool until_close() const { return framing_ == Framing::kUntilClose || in_tunnel(); }
  // The head has said that the connection is HTTP no more.
  bool in_tunnel() const { return framing_ == Framing::kTunnel; }

  static constexpr std::size_t kMark = 64 * 1024;

 private:
  enum class Framing : std::uint8_t { kNotBegun, kNoBody, kLength, kChunked, kUntilClose, kTunnel };

  // Returns false if the head cannot be written.
  bool write_head(const Exchange& exchange, Buffer& out, bool keep_alive);
  void take_body(Exchange& exchange, Buffer& out);

  Framing framing_ = Framing::kNotBegun;
  bool keep_alive_ = false;
};

}  // namespace gatehouse
