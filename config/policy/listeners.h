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

// What a client gets that speaks HTTP without TLS to a listener with TLS: a 400 that says so, or a 308 to https where its
// request says for which host it is.
enum class PlainOnTls : std::uint8_t { kReject, kRedirect };

// Whether clients are asked for a certificate: kOptional serves those without one too.
enum class ClientAuth : std::uint8_t { kNone, kOptional, kRequire };

// Whether connections begin with a PROXY header, of trusted proxies only: kOptional takes those without one too.
enum class ProxyProtocol : std::uint8_t { kOff, kOptional, kRequire };

// How a QUIC connection finds out how fast it may send.
enum class CongestionControl : std::uint8_t { kCubic, kBbr };

}  // namespace gatehouse
