// What a listener does with clients: whom it believes, and how it speaks TLS and QUIC. For the configuration and for
// proxy/http and proxy/frontend, which carry it out; limits and times are in limits.h. Values, any thread.
#pragma once

#include <cstdint>

namespace gatehouse {

// Which field of a trusted proxy says who its client is.
enum class ClientAddress : std::uint8_t { kXForwardedFor, kForwarded, kXRealIp };

// What a client gets that asks for a name of no certificate: the first certificate, or the alert unrecognized_name.
// One that sends no name gets the first certificate either way.
enum class UnknownSni : std::uint8_t { kDefault, kReject };

// The oldest that is spoken on TCP: QUIC speaks TLS 1.3 only (RFC 9001 section 4.2).
enum class TlsVersion : std::uint8_t { kTls12, kTls13 };

// How a QUIC connection finds out how fast it may send.
enum class CongestionControl : std::uint8_t { kCubic, kBbr };

}  // namespace gatehouse
