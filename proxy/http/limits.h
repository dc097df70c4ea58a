// What a client may ask of us and how long things may take: the runtime form of [limits] and [timeouts]. Immutable
// parts of a snapshot; a route may replace the ones that concern a single exchange (ExchangeLimits).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "proxy/http/section_meter.h"

namespace gatehouse {

inline constexpr std::uint64_t kUnlimited = std::numeric_limits<std::uint64_t>::max();

// For the head of one request; enforced by every codec while it decodes.
struct HeadLimits {
  std::size_t max_header_bytes = 32768;  // names + values + 32 per field
  std::size_t max_header_count = 100;
  std::size_t max_target_bytes = 8192;
  std::size_t max_trailer_bytes = 8192;
  std::size_t max_trailer_count = 32;

  SectionMeter::Limit of_head() const { return {.bytes = max_header_bytes, .fields = max_header_count}; }
  SectionMeter::Limit of_trailers() const { return {.bytes = max_trailer_bytes, .fields = max_trailer_count}; }
};

// For one exchange; global values, or a route's.
struct ExchangeLimits {
  std::uint64_t max_request_body = 30'000'000;
  std::chrono::milliseconds request_body_timeout{120'000};  // between bytes from the client
  std::chrono::milliseconds connect_timeout{5'000};
  std::chrono::milliseconds response_timeout{120'000};       // end of request to head of answer
  std::chrono::milliseconds response_body_timeout{120'000};  // between bytes from the endpoint
  std::chrono::milliseconds client_stall_timeout{30'000};    // answer bytes waiting and the client takes none
};

// For one client connection.
struct ConnectionLimits {
  std::uint64_t max_requests = 0;  // 0: any number
  std::uint32_t max_streams = 100;
  std::chrono::milliseconds handshake_timeout{10'000};
  std::chrono::milliseconds header_timeout{30'000};
  std::chrono::milliseconds idle_timeout{120'000};
};

}  // namespace gatehouse
