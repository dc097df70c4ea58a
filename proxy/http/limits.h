// What a client may ask of us and how long things may take: the runtime form of [limits] and [timeouts], and of a few
// bounds for which there is no key. Immutable parts of a snapshot; a route may replace the ones that concern a single
// exchange (ExchangeLimits).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "common/clock.h"
#include "config/policy/half_closed.h"
#include "config/policy/limits.h"
#include "proxy/http/field_section.h"

namespace gatehouse {

// What max_request_body is where it is "off".
inline constexpr std::uint64_t kUnlimited = std::numeric_limits<std::uint64_t>::max();

// For the head and the trailers of one request; every codec enforces them while it decodes. ResponseReader has some
// of its own for answers.
struct HeadLimits {
  // The section size: names, values and 32 bytes per field. kHeadersTooLarge beyond it.
  std::size_t max_header_bytes = defaults::kMaxHeaderBytes;
  std::size_t max_header_count = defaults::kMaxHeaderCount;
  // kTargetTooLong beyond it.
  std::size_t max_target_bytes = defaults::kMaxTargetBytes;
  // Trailers beyond these two are kRequestBodyInvalid. There is no key for them.
  std::size_t max_trailer_bytes = 8192;
  std::size_t max_trailer_count = 32;

  FieldSection::Limit of_head() const { return {.bytes = max_header_bytes, .fields = max_header_count}; }
  FieldSection::Limit of_trailers() const { return {.bytes = max_trailer_bytes, .fields = max_trailer_count}; }
};

// How long a client may let bytes wait that are for it.
struct Patience {
  // Without moving at all.
  Duration silence{};
  // In bytes a second, on the average (pace.h); 0: any.
  std::uint32_t min_rate = 0;
};

// For one exchange; global values, or a route's.
struct ExchangeLimits {
  // In bytes; kBodyTooLarge beyond it, whether the length was announced or came.
  std::uint64_t max_request_body = defaults::kMaxRequestBody;
  // Between bytes from the client, while there is room for them: kRequestBodyTimeout.
  std::chrono::milliseconds request_body_timeout = defaults::kRequestBodyTimeout;
  // For one attempt at one address: kConnectTimeout.
  std::chrono::milliseconds connect_timeout = defaults::kConnectTimeout;
  // Between bytes in either direction, while the endpoint has to take the request or to send the head of the answer:
  // kUpstreamTimeout.
  std::chrono::milliseconds response_timeout = defaults::kResponseTimeout;
  // Between bytes from the endpoint, while there is room for them: kUpstreamBodyTimeout.
  std::chrono::milliseconds response_body_timeout = defaults::kResponseBodyTimeout;
  // How long bytes of the answer may wait while the client acknowledges none and asks for none: kClientStalled.
  std::chrono::milliseconds response_write_timeout = defaults::kResponseWriteTimeout;
  // Whether an h1 client that ends its half before the answer has begun is still answered.
  HalfClosed half_closed = HalfClosed::kServe;
  // How long a tunnel may carry nothing in either direction: kTunnelTimeout. The others are not for tunnels.
  std::chrono::milliseconds tunnel_timeout = defaults::kTunnelTimeout;
  // In bytes a second, on the average (pace.h), of a body that has begun, while the client is what is waited for; 0: no
  // such limit. kRequestTooSlow, kResponseTooSlow.
  std::uint32_t min_request_rate = defaults::kMinRequestRate;
  std::uint32_t min_response_rate = defaults::kMinResponseRate;

  Patience patience() const { return {.silence = response_write_timeout, .min_rate = min_response_rate}; }
};

// For one client connection.
struct ConnectionLimits {
  // How many requests it may carry; 0: any number.
  std::uint64_t max_requests = 0;
  // How many streams of h2 and h3 may be open at once.
  std::uint32_t max_streams = defaults::kMaxStreams;
  // For TLS and QUIC, and for the first SETTINGS of h2.
  std::chrono::milliseconds handshake_timeout = defaults::kHandshakeTimeout;
  // From the first byte of a head to its end: kHeaderTimeout where it can still be answered.
  std::chrono::milliseconds header_timeout = defaults::kHeaderTimeout;
  // How long a connection may stay without a request.
  std::chrono::milliseconds idle_timeout = defaults::kIdleTimeout;
  // How long a connection that has ended is read on, so that its last answer arrives.
  std::chrono::milliseconds linger_timeout = defaults::kLingerTimeout;
};

}  // namespace gatehouse
