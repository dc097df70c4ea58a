// What a file is, told by the end of its name: the media types that browsers and tools expect of a web server. A constant
// table; any thread.
#pragma once

#include <string_view>

namespace gatehouse {

struct MediaType {
  // As Content-Type says it, with the character set of what is text.
  std::string_view type;
  // It shrinks when it is compressed: it is worth while to look for a compressed file beside it.
  bool compressible = false;
};

// `name` may have folders before it. What is not known is "application/octet-stream".
MediaType media_type(std::string_view name);

}  // namespace gatehouse
