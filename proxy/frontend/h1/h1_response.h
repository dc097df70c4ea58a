// The answer of one exchange on its way onto an HTTP/1.x connection: heads, framing, body, end. Moves what the exchange
// has into the connection's output, as much as there is room for. A value of H1Connection, one exchange at a time.
#pragma once

#include <cstddef>
#include <cstdint>

#include "common/buffer.h"
#include "proxy/http/exchange.h"

namespace gatehouse {

class H1Response {
 public:
  enum class Outcome : std::uint8_t {
    kOpen,      // more to come
    kComplete,  // everything is in the output
    kBroken,    // it ends here, incomplete: the client must be able to tell
  };

  // `keep_alive` is asked for only when the final head is written; keeps_connection() is what was promised. No body is
  // taken while `out` holds `mark` bytes or more.
  Outcome advance(Exchange& exchange, Buffer& out, bool keep_alive);

  bool begun() const { return framing_ != Framing::kNotBegun; }
  bool keeps_connection() const { return keep_alive_; }
  bool until_close() const { return framing_ == Framing::kUntilClose; }

  static constexpr std::size_t kMark = 64 * 1024;

 private:
  enum class Framing : std::uint8_t { kNotBegun, kNoBody, kLength, kChunked, kUntilClose };

  bool write_head(const Exchange& exchange, Buffer& out, bool keep_alive);
  void take_body(Exchange& exchange, Buffer& out);
  bool write_end(Exchange& exchange, Buffer& out);

  Framing framing_ = Framing::kNotBegun;
  bool keep_alive_ = false;
  std::uint64_t left_ = 0;  // kLength: bytes still promised
};

}  // namespace gatehouse
