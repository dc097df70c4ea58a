// Digests that protocols ask for by name. What keeps secrets or decides about access is in mac.h; nothing here does.
// Pure, any thread.
#pragma once

#include <string>
#include <string_view>

namespace gatehouse::digest {

// Returns the 20 bytes of SHA-1 (RFC 3174), for the handshake of WebSockets alone. Aborts the process if the library
// fails.
std::string sha1(std::string_view bytes);

}  // namespace gatehouse::digest
