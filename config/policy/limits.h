// What clients may ask of us and how long things may take, where nobody says otherwise: the defaults of [limits] and
// [timeouts], and of whatever runs without a configuration. Used by config.h and by the options structs of those who
// enforce them (proxy/http/limits.h, for one). Constants.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace gatehouse::defaults {

using std::chrono::milliseconds;

// Streams that are open at once, per h2 or h3 connection.
inline constexpr std::uint32_t kMaxStreams = 100;
// In bytes.
inline constexpr std::uint64_t kMaxRequestBody = 30'000'000;
// The section size: names, values and 32 bytes per field.
inline constexpr std::size_t kMaxHeaderBytes = 32768;
inline constexpr std::size_t kMaxHeaderCount = 100;
inline constexpr std::size_t kMaxTargetBytes = 8192;
// In bytes a second, of a body that has begun, while the client is what is waited for.
inline constexpr std::uint32_t kMinRequestRate = 240;
inline constexpr std::uint32_t kMinResponseRate = 150;

// For TLS and QUIC.
inline constexpr milliseconds kHandshakeTimeout{10'000};
// From the first byte of a head to its end.
inline constexpr milliseconds kHeaderTimeout{30'000};
// How long a client connection may stay without a request.
inline constexpr milliseconds kIdleTimeout{120'000};
// Between bytes from the client.
inline constexpr milliseconds kRequestBodyTimeout{120'000};
// For one attempt at one address of an endpoint.
inline constexpr milliseconds kConnectTimeout{5'000};
// From the end of the request to the head of the answer.
inline constexpr milliseconds kResponseTimeout{120'000};
// Between bytes from the endpoint.
inline constexpr milliseconds kResponseBodyTimeout{120'000};
// How long bytes of the answer may wait while the client takes none.
inline constexpr milliseconds kResponseWriteTimeout{60'000};
// How long a tunnel may carry nothing in either direction.
inline constexpr milliseconds kTunnelTimeout{3'600'000};
// How long what a client still sends is read and dropped, so that its last answer arrives.
inline constexpr milliseconds kLingerTimeout{30'000};
// For what is in flight when the process stops, or when a listener or an instance goes away.
inline constexpr milliseconds kDrainTimeout{30'000};

}  // namespace gatehouse::defaults
