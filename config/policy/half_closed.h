// What it means that a client ends its half of a connection before it has its answer. For the configuration and for
// proxy/http and proxy/frontend/h1, which carry it out. Values, any thread.
#pragma once

#include <cstdint>

namespace gatehouse {

// kServe: an end that comes before the answer has begun, on cleartext, is only the end of what the client has to say;
// during an answer, or on TLS, the client has gone. kAbort: the client has always gone.
enum class HalfClosed : std::uint8_t { kServe, kAbort };

}  // namespace gatehouse
