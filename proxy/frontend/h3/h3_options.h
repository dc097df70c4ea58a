// How much of request bodies a client may send before the endpoint has read it, with our defaults. A value, part of
// QuicOptions: the session gives window back by it, and the transport parameters of a connection announce it.
#pragma once

#include <cstdint>

#include "proxy/frontend/upload_window.h"

namespace gatehouse {

struct H3Options {
  // Bytes of one stream, to begin with: as much as a BodyPipe holds.
  std::uint64_t stream_window = 64 * 1024;
  // By so much the windows of all streams grow together while responders keep up.
  std::uint64_t window_growth = UploadGrowth::kMost;
  // Bytes of all streams together; grows as they do.
  std::uint64_t connection_window = 1024 * 1024;
};

}  // namespace gatehouse
