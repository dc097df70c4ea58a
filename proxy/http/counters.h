// What a worker counts, as plain integers that the scrape reads: per listener (changed by the frontend), per endpoint
// and per upstream (changed by the upstream half and the forwarder). A worker's WorkerMetrics owns them and is kept
// until the program ends, so that no total ever goes back; Admin has some of its own for its listener. Only the
// thread that counts changes them; any thread may read. What counts things that are there *now* goes up and down,
// everything else only up.
#pragma once

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "common/counter.h"
#include "proxy/http/protocol.h"

namespace gatehouse {

// Why a TLS or QUIC handshake did not end well.
enum class HandshakeFailure : std::uint8_t {
  kTimeout,
  kClosed,
  kProtocol,
  kNoSharedCipher,
  kVersion,
  kAlpn,
  kUnknownName,
  // HTTP, or another language of words, without TLS.
  kPlainHttp,
  // The client has shown no certificate, and has to.
  kNoCertificate,
  // The client's certificate was refused.
  kBadCertificate,
  kOther
};
inline constexpr std::size_t kHandshakeFailureCount = 11;
// Returns the label in metrics: "timeout", "closed", ...
std::string_view label(HandshakeFailure failure);

// Why a connection was not let in, or not at once.
enum class ConnectionRefusal : std::uint8_t {
  // As many connections as may be are open: this one waits until there is room.
  kLimit,
  // The process or the system has no descriptor for it: it waits likewise.
  kDescriptors,
  // Its client has too many connections; it is turned away.
  kClientConnections,
  // Its client begins too many handshakes; it is turned away.
  kClientHandshakes,
};
inline constexpr std::size_t kConnectionRefusalCount = 4;

constexpr std::string_view label(ConnectionRefusal refusal) {
  constexpr std::string_view kLabels[kConnectionRefusalCount] = {"limit", "descriptors", "client_connections",
                                                                 "client_handshakes"};
  return kLabels[static_cast<std::size_t>(refusal)];
}

// Why a connection was closed that should have begun with a PROXY header.
enum class ProxyHeaderFailure : std::uint8_t {
  // The listener requires a header, and its peer is none of the trusted proxies, which alone may send one.
  kUntrusted,
  // What came is no PROXY header at all.
  kMissing,
  // It began as one, and is not valid.
  kInvalid,
  // It is longer than we read.
  kTooLong,
  // Its CRC32c is that of another.
  kChecksum,
  kTimeout,
  // The proxy closed the connection in the middle of it.
  kClosed,
};
inline constexpr std::size_t kProxyHeaderFailureCount = 7;
// Returns the label in metrics: "untrusted", "missing", ...
std::string_view label(ProxyHeaderFailure failure);

// What a client does so that its connection is ended before its time. Of the first of them each act is legal, and in
// such numbers an attack: how many are too many, AbuseGuard knows. Once is enough of the others.
enum class Abuse : std::uint8_t {
  // It cancelled a stream (CVE-2023-44487).
  kReset,
  // It made us reset one (CVE-2025-8671).
  kForcedReset,
  // It sent a head or trailers beyond their limit.
  kOversizedHead,
  // It went so far beyond that limit that decoding the rest is not worth while.
  kExcessiveHead,
  // It sent PING or SETTINGS.
  kControl,
  // It sent PRIORITY, PRIORITY_UPDATE, or frames of unknown type.
  kOther,
  // It sent DATA with nothing in it.
  kEmptyFrame,
  // nghttp2 counts some frames by itself and has had enough, or ngtcp2 cannot hold any more.
  kLibraryVerdict,
  // It sent records that carry no data: KeyUpdate, warnings, empty ones.
  kTlsMessage,
  // It broke the rules of HTTP/2, HTTP/3 or QUIC in a way that leaves nothing to go on with.
  kProtocolError,
  // It did not acknowledge our SETTINGS in time (RFC 9113 section 6.5.3).
  kUnacknowledgedSettings,
  // It did not end a head in time, and no answer could say so.
  kUnfinishedHead,
  // It took nothing of what there was for it in time.
  kStalled,
  // It opened windows far more often than what it was sent gives reason for.
  kWindow,
  // It went on with streams that we had closed, beyond what can have been on its way.
  kClosedStream,
};
inline constexpr std::size_t kAbuseCount = 15;
// Returns the label in metrics: "resets", "forced_resets", ...
std::string_view label(Abuse abuse);

// For one listener and one worker.
struct ListenerCounters {
  // Connections that are open now, by protocol.
  std::array<Counter, kProtocolCount> connections;
  std::array<Counter, kProtocolCount> connections_total;
  // Indexed [TLS 1.2, TLS 1.3][protocol][full, resumed].
  std::array<std::array<std::array<Counter, 2>, kProtocolCount>, 2> handshakes;
  std::array<Counter, kHandshakeFailureCount> handshake_failures;
  // How often a connection was not let in, or not at once.
  std::array<Counter, kConnectionRefusalCount> refused;
  std::array<Counter, kProxyHeaderFailureCount> proxy_header_failures;
  // Connections that were ended before their time, by what their clients did.
  std::array<Counter, kAbuseCount> cut;
  // Connections closed to make room for others while they were idle.
  Counter evicted_idle;
  // Likewise, with a handshake or a request head that did not end.
  Counter evicted_unfinished;
  // QUIC from here on. Retry packets ask a client to prove its address (RFC 9000 section 8.1.2).
  Counter retries_sent;
  Counter stateless_resets_sent;
  // Datagrams from the socket, whosever they are.
  Counter datagrams_received;
  Counter datagrams_sent;
  // Datagrams that were not ours, too small, or too many for a queue.
  Counter datagrams_dropped;
  // Clients that went on from another address.
  Counter migrations;
};

// For one endpoint and one worker.
struct EndpointCounters {
  // Answers by their class, [status / 100]; [0]: exchanges that failed at this endpoint without the head of one.
  std::array<Counter, 10> requests_by_class;
  // Attempts to connect, by how they ended; the faults of these names (fault.h) say more.
  Counter connects_ok, connects_refused, connects_failed, connects_timeout, connects_out_of_resources;
  // Another user than the app's listened at its socket.
  Counter connects_foreign;
  // Connected, and no TLS that may be used (is_upstream_tls()).
  Counter connects_tls;
  // Connections that are open now; private: idle, and kept for one client.
  Counter connections_idle, connections_active, connections_private;
  // Connections that were closed because the endpoint sent more than its answers.
  Counter extra_bytes;
  // Connections that were not kept because they carry the identity of one client.
  Counter closed_private;
  // Connections that were idle, or could have been kept, and gave their descriptor to others.
  Counter closed_for_room;
};

// Why an exchange was tried again.
enum class RetryReason : std::uint8_t {
  // No connection could be made, or none that may be used.
  kConnect,
  // The connection died before a byte of the answer, mostly one kept from earlier.
  kStale,
  // A Unix socket proves that the endpoint has not read the whole head.
  kUnread,
};
inline constexpr std::size_t kRetryReasonCount = 3;

constexpr std::string_view label(RetryReason reason) {
  constexpr std::string_view kLabels[kRetryReasonCount] = {"connect", "stale", "unread"};
  return kLabels[static_cast<std::size_t>(reason)];
}

// What was put right in an endpoint's response, where its upstream is lenient.
enum class Repair : std::uint8_t {
  // LF alone ended a line of the head.
  kLineEnd,
  // A field of the head went on in the next line.
  kFold,
  // The head said its Content-Length more than once, the same each time.
  kLength,
  // Blanks stood behind the size of a chunk.
  kChunkSize,
};
inline constexpr std::size_t kRepairCount = 4;
using Repairs = std::bitset<kRepairCount>;

constexpr std::string_view label(Repair repair) {
  constexpr std::string_view kLabels[kRepairCount] = {"line_end", "fold", "length", "chunk_size"};
  return kLabels[static_cast<std::size_t>(repair)];
}

// For one upstream and one worker.
struct UpstreamCounters {
  std::array<Counter, kRetryReasonCount> retries;
  // Retries that the retry budget did not allow.
  Counter retries_denied;
  // Responses in which something was put right; by what it was.
  std::array<Counter, kRepairCount> repairs;
  // Requests that tried an endpoint though none was well.
  Counter panics;
  // Requests in this worker's line now.
  Counter waiting;
  // Requests that had to wait because this process may not open another connection.
  Counter short_of_room;
};

}  // namespace gatehouse
