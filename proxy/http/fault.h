// Why an exchange ended badly: one enumerator and one row of one table each. The row says what every protocol, the
// log, the metrics, Proxy-Status (RFC 9209) and the error page need to know; deploy/guides/faults.md says the same to
// users, and why, and what to do. Constant tables: any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace gatehouse {

// Behind each enumerator stands the status of the answer that we make for it, as long as no head has gone out. The
// last one gives kFaultCount.
enum class Fault : std::uint8_t {
  // The client's request, found by a codec or by field_rules
  kMalformedRequest,      // 400: no valid HTTP; h2 and h3 reset the stream
  kHeadersTooLarge,       // 431
  kTargetTooLong,         // 414
  kVersionNotSupported,   // 505
  kCodingNotImplemented,  // 501: transfer coding other than chunked
  kMethodNotAllowed,      // 405: CONNECT, TRACE
  kExpectationFailed,     // 417
  kMisdirected,           // 421
  kHeaderTimeout,         // 408
  kUnsafeTarget,          // 400: what is not safe to forward in any reading
  kAmbiguousPath,         // 400: as sent and as resolved, the path belongs to different routes
  kPrefixNotLiteral,      // 400: what strip_prefix is to take off is not there as such
  kPlainHttpOnTls,        // 400: http:// where https:// is spoken
  kTlsOnCleartext,        // 400: the other way round
  kAccessDenied,          // 403: the route's allow and deny do not let this address in
  kAuthRequired,          // 401: the route wants to know who asks
  kAuthFailed,            // 401: what the client has shown does not prove who it is
  kAuthNeedsTls,          // 403: a password in the clear, or nothing but passwords would do there
  kHttp11Required,        // 505: the route is for HTTP/1.1 only; h2 and h3 reset the stream by a code that says so
  kTooEarly,              // 425: early data that may be a replay
  // The client's body, or its absence
  kBodyTooLarge,        // 413
  kRequestBodyTimeout,  // 408
  kRequestBodyInvalid,  // 400: bad chunk, length mismatch, bad trailers
  kClientGone,          // none: the client went away (499 in the log)
  kClientStalled,       // none: the client does not read its answer
  kRequestTooSlow,      // 408: its bytes come more slowly than min_request_rate
  kResponseTooSlow,     // none: the client takes its answer more slowly than min_response_rate
  // Our own decisions
  kNoRoute,         // 404
  kInternalError,   // 500
  kLoopDetected,    // 508: the request has been here before
  kAuthQueueFull,   // 503: too many wait for their credentials to be verified
  kOutOfResources,  // 503: no descriptor, port or memory for a connection to an endpoint
  kFileUnreadable,  // 500: a file that is served cannot be opened or read, or has become shorter
  // The endpoint, or that there is none for now
  kNoHealthyEndpoint,        // 503
  kQueueFull,                // 503
  kQueueTimeout,             // 503
  kConnectRefused,           // 502
  kConnectFailed,            // 502: unreachable, no such socket
  kConnectTimeout,           // 504
  kForeignListener,          // 502: another user listens there than the app's, or than who registered it
  kUpstreamReset,            // 502: reset or write error before the head of the answer
  kUpstreamClosed,           // 502: closed before the head of the answer was complete
  kUpstreamInvalid,          // 502: not HTTP, or framing that cannot be trusted
  kUpstreamHeadersTooLarge,  // 502
  kUpstreamTimeout,          // 504: no head of an answer in time
  kUpstreamBodyTimeout,      // 504: the answer stopped half-way
  kUpstreamTruncated,        // 502: the answer ended before its end
  kDeadlineExceeded,         // 504: not done within the client's own grpc-timeout
  kResetByEndpoint,          // 502: the endpoint said X-Reset-Code
  kGrpcWebInvalid,           // 502: the endpoint's gRPC-Web has no valid end
  kDelegationRefused,        // 502: X-Delegate-To names nobody whom the upstream may name
  kDelegationLoop,           // 502: X-Delegate-To leads back, or too far
  kDelegationLate,           // 502: X-Delegate-To behind 100 Continue, or in a 101
  kSendFileRefused,          // 502: the file that the endpoint names in its place cannot be sent
  kRequestNotWritable,       // 400: cannot be written safely as HTTP/1.1
  kUpstreamTlsUntrusted,     // 502: no CA that is trusted here has signed its certificate
  kUpstreamTlsExpired,       // 502: its certificate is not valid now
  kUpstreamTlsName,          // 502: its certificate is for another name
  kUpstreamTlsAlert,         // 502: it refused the handshake, or our certificate, by an alert
  kUpstreamTlsFailed,        // 502: the handshake broke off, or what it speaks is no TLS of ours
  kUpstreamTlsTimeout,       // 504: connected, but the handshake took too long
  // Upstreams that have no endpoint for a reason
  kAppStartFailed,   // 503: its process did not get ready
  kAppParked,        // 503: it failed so often that it gets a rest
  kAppOffline,       // 503: its offline file is there, or somebody said so
  kAppStopped,       // 503: somebody stopped it
  kNameNotResolved,  // 503: no address is known for its name
  // Tunnels
  kHandshakeInvalid,     // 400: asks for a WebSocket as RFC 6455 does not allow
  kUpgradeNotSupported,  // 501: the route lets nothing become what was asked for (h2 and h3)
  kUpgradeRefused,       // 502: the endpoint answered as if nothing had been asked for (h2 and h3)
  kTunnelTimeout,        // none in time: no bytes in either direction
  kDrained,              // the time that it had to end is over
};

inline constexpr std::size_t kFaultCount = static_cast<std::size_t>(Fault::kDrained) + 1;

// On which side the cause lies: for logs and metrics.
enum class Blame : std::uint8_t { kClient, kProxy, kUpstream };

// What h2 resets a stream with (RFC 9113 section 7), and h3 (RFC 9114 section 8.1): once the head is out, or where the
// dialect resets instead of answering.
struct ResetCodes {
  std::uint32_t h2;
  std::uint64_t h3;
};

namespace reset_codes {
inline constexpr ResetCodes kMessageError{.h2 = 0x1, .h3 = 0x10e};
inline constexpr ResetCodes kInternalError{.h2 = 0x2, .h3 = 0x102};
inline constexpr ResetCodes kRefused{.h2 = 0x7, .h3 = 0x10b};
inline constexpr ResetCodes kCancelled{.h2 = 0x8, .h3 = 0x10c};
inline constexpr ResetCodes kTooMuch{.h2 = 0xb, .h3 = 0x107};
inline constexpr ResetCodes kHttp11Required{.h2 = 0xd, .h3 = 0x110};
}  // namespace reset_codes

// One row. It leaves out what follows from whom it blames: a client's request is malformed, and h1 cannot go on behind
// it; to the client's connection, what we or an endpoint did is an internal error of one request.
struct FaultRule {
  Fault fault;
  // The label in logs and metrics: "connect_refused".
  std::string_view label;
  Blame blame;
  // The status of the answer that we make; 0: none is made, as the client is gone.
  std::uint16_t status = 0;
  // The error type of Proxy-Status (RFC 9209 section 2.3): "connection_refused". Empty where `status` is 0.
  std::string_view proxy_status = blame == Blame::kClient && status != 0 ? "http_request_error" : "";
  ResetCodes codes = blame == Blame::kClient ? reset_codes::kMessageError : reset_codes::kInternalError;
  // h2 and h3 answer with a stream error even before the head (malformed messages).
  bool resets_stream = status == 0;
  // The h1 connection cannot be used again: what comes next on it is unknown, or unwanted.
  bool closes_connection = blame == Blame::kClient;
  // One sentence for the error page, which strangers read.
  std::string_view explanation;
  // For whoever runs it: what happened to whom, in the words of the configuration. Sent in Proxy-Status.
  std::string_view details;
};

// Returns the row of `fault`, in constant time.
const FaultRule& rule(Fault fault);
// Returns all rows, in the order of the enumerators.
std::span<const FaultRule> fault_rules();
// Whether no connection could be made, or none that may be used (kForeignListener, kUpstreamTls...): the endpoint cannot
// know of the request.
bool is_connect(Fault fault);
// Whether there was a connection, and no TLS that may be used on it.
bool is_upstream_tls(Fault fault);
// Whether there was nobody at the endpoint's address to take a connection.
bool nobody_listens(Fault fault);
// Returns the label: "client", "proxy", "upstream".
std::string_view label(Blame blame);

}  // namespace gatehouse
