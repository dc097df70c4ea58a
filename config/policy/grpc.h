// What a route does with gRPC: nothing, which passes it as any HTTP, or what endpoints need that cannot speak it. For the
// configuration and for proxy/forward, which carries it out. Values, any thread.
#pragma once

#include <cstdint>

namespace gatehouse {

// kWeb: the endpoint gets application/grpc as gRPC-Web, and its answer is made gRPC again.
enum class Grpc : std::uint8_t { kOff, kWeb };

}  // namespace gatehouse
