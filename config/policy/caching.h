// What a route keeps of the responses of its endpoints: for the configuration and for proxy/cache, which carries it out.
// Values, any thread.
#pragma once

#include <cstddef>
#include <cstdint>

namespace gatehouse {

// kHttpSys: by the rules of Windows' HTTP.sys, which takes only what says of itself that anybody may have it. kHttp: by
// those of HTTP itself (RFC 9111), with Vary, validators and stale responses.
enum class Caching : std::uint8_t { kOff, kHttpSys, kHttp };

// [cache]: in bytes; of all that is kept, for all workers together, and of the body of one response.
struct CacheLimits {
  std::size_t memory = 64UL * 1024 * 1024;
  std::size_t max_entry = 1024UL * 1024;
};

}  // namespace gatehouse
