// What a worker counts, as plain integers that the scrape reads: per listener (changed by the frontend) and per
// upstream endpoint (changed by the upstream half). One writer thread each; any thread may read.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "common/counter.h"
#include "proxy/http/protocol.h"

namespace gatehouse {

enum class HandshakeFailure : std::uint8_t {
  kTimeout,
  kClosed,
  kProtocol,
  kNoSharedCipher,
  kVersion,
  kAlpn,
  kUnknownName,
  kOther
};
inline constexpr std::size_t kHandshakeFailureCount = 8;
std::string_view label(HandshakeFailure failure);  // "timeout", "closed", ...

// Why a connection was not let in, or not at once.
enum class ConnectionRefusal : std::uint8_t {
  kLimit,              // as many as may be are open: it waits until there is room
  kDescriptors,        // the process or the system has no descriptor for it: it waits likewise
  kClientConnections,  // its client has too many of them
  kClientHandshakes,   // its client begins too many handshakes
};
inline constexpr std::size_t kConnectionRefusalCount = 4;

constexpr std::string_view label(ConnectionRefusal refusal) {
  constexpr std::string_view kLabels[kConnectionRefusalCount] = {"limit", "descriptors", "client_connections",
                                                                 "client_handshakes"};
  return kLabels[static_cast<std::size_t>(refusal)];
}

// What a client does too much of: each act is legal, and in such numbers an attack that ends the connection.
enum class Abuse : std::uint8_t {
  kReset,           // it cancelled a stream (CVE-2023-44487)
  kForcedReset,     // it made us reset one (CVE-2025-8671)
  kOversizedHead,   // a head or trailers beyond their limit
  kExcessiveHead,   // or so far beyond it that decoding the rest is not worth while
  kControl,         // PING, SETTINGS
  kOther,           // PRIORITY, PRIORITY_UPDATE, frames of unknown type
  kEmptyFrame,      // DATA with nothing in it
  kLibraryVerdict,  // what nghttp2 counts by itself, and too much for ngtcp2 to hold
  kTlsMessage,      // records that carry no data: KeyUpdate, warnings, empty ones
};
inline constexpr std::size_t kAbuseCount = 9;
std::string_view label(Abuse abuse);  // "resets", "forced_resets", ...

struct ListenerCounters {
  std::array<Counter, kProtocolCount> connections;  // open now
  std::array<Counter, kProtocolCount> connections_total;
  // [TLS 1.2, TLS 1.3][protocol][full, resumed]
  std::array<std::array<std::array<Counter, 2>, kProtocolCount>, 2> handshakes;
  std::array<Counter, kHandshakeFailureCount> handshake_failures;
  std::array<Counter, kConnectionRefusalCount> refused;
  std::array<Counter, kAbuseCount> cut;  // connections, by what their clients did too much of
  Counter evicted_idle;                  // closed to make room for others
  Counter evicted_unfinished;            // likewise, with a handshake or a request head that did not end
  Counter retries_sent;                  // QUIC Retry
  Counter stateless_resets_sent;
  Counter datagrams_received;  // QUIC: from the socket, whosever they are
  Counter datagrams_sent;
  Counter datagrams_dropped;  // not ours, too small, queue full
  Counter migrations;         // QUIC clients that went on from another address
};

struct EndpointCounters {
  std::array<Counter, 6> requests_by_class;  // [status / 100]; 0: none
  Counter connects_ok, connects_refused, connects_failed, connects_timeout, connects_out_of_resources;
  Counter connects_foreign;  // another user than the app's listened
  Counter connections_idle, connections_active;
  Counter extra_bytes;      // connections that were closed because the endpoint sent more than its answers
  Counter closed_private;   // that were not kept because they carry the identity of one client
  Counter closed_for_room;  // that were idle and gave their descriptor to others
};

// Why an exchange was tried again.
enum class RetryReason : std::uint8_t {
  kConnect,  // no connection could be made
  kStale,    // a connection kept from earlier died before a byte of the answer
  kUnread,   // a Unix socket proves that the app never read the head
};
inline constexpr std::size_t kRetryReasonCount = 3;

constexpr std::string_view label(RetryReason reason) {
  constexpr std::string_view kLabels[kRetryReasonCount] = {"connect", "stale", "unread"};
  return kLabels[static_cast<std::size_t>(reason)];
}

struct UpstreamCounters {
  std::array<Counter, kRetryReasonCount> retries;
  Counter retries_denied;  // by the retry budget
  Counter panics;          // requests that tried an endpoint though none was well
  Counter waiting;         // requests in this worker's line now
  Counter short_of_room;   // requests that had to wait because this process has no descriptor for a connection
};

}  // namespace gatehouse
