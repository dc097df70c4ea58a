// How much of request bodies a client may send before the endpoint has read it, with our defaults. A value, part of
// QuicOptions: the session gives window back by it, and the transport parameters of a connection announce it.
#pragma once

#include <cstdint>

namespace gatehouse {

struct H3Options {
  // Bytes of one stream, to begin with: as much as a BodyPipe holds.
  std::uint64_t stream_window = 64 * 1024;
  // A stream's window grows up to this while the responder keeps up.
  std::uint64_t max_stream_window = 256 * 1024;
  // Bytes of all streams together; does not grow.
  std::uint64_t connection_window = 1024 * 1024;
};

}  // namespace gatehouse
