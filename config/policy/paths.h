// In which form a route passes the path of a request on. For the configuration, and for proxy/forward, which carries it
// out. Values, any thread.
#pragma once

#include <cstdint>

namespace gatehouse {

enum class PathAs : std::uint8_t {
  // Byte for byte as the client wrote it, but for characters that no path may have, which are escaped.
  kReceived,
  // Decoded as far as its structure goes, with dot segments and doubled slashes resolved.
  kCanonical,
};

}  // namespace gatehouse
