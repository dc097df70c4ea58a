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
  kUnsafeTarget,          // 400: a path that two parsers could read differently
  // The client's body, or its absence
  kBodyTooLarge,        // 413
  kRequestBodyTimeout,  // 408
  kRequestBodyInvalid,  // 400: bad chunk, length mismatch, bad trailers
  kClientGone,          // none: the client went away (499 in the log)
  kClientStalled,       // none: the client does not read its answer
  // Our own decisions
  kNoRoute,         // 404
  kInternalError,   // 500
  kLoopDetected,    // 508: the request has been here before
  kOutOfResources,  // 503: no descriptor, port or memory for a connection to an endpoint
  // The endpoint, or that there is none for now
  kNoHealthyEndpoint,        // 503
  kQueueFull,                // 503
  kQueueTimeout,             // 503
  kConnectRefused,           // 502
  kConnectFailed,            // 502: unreachable, no such socket
  kConnectTimeout,           // 504
  kForeignListener,          // 502: another user than the hosted app's listens on its socket
  kUpstreamReset,            // 502: reset or write error before the head of the answer
  kUpstreamClosed,           // 502: closed before the head of the answer was complete
  kUpstreamInvalid,          // 502: not HTTP, or framing that cannot be trusted
  kUpstreamHeadersTooLarge,  // 502
  kUpstreamTimeout,          // 504: no head of an answer in time
  kUpstreamBodyTimeout,      // 504: the answer stopped half-way
  kUpstreamTruncated,        // 502: the answer ended before its end
  kRequestNotWritable,       // 400: cannot be written safely as HTTP/1.1
  // Upstreams that have no endpoint for a reason
  kAppStartFailed,   // 503: its process did not get ready
  kAppParked,        // 503: it failed so often that it gets a rest
  kAppOffline,       // 503: its offline file is there, or somebody said so
  kAppStopped,       // 503: somebody stopped it
  kNameNotResolved,  // 503: no address is known for its name
};

inline constexpr std::size_t kFaultCount = static_cast<std::size_t>(Fault::kNameNotResolved) + 1;

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
// Whether no connection could be made, or none that may be used (kForeignListener): the endpoint cannot know of the
// request.
bool is_connect(Fault fault);
// Whether there was nobody at the endpoint's address to take a connection.
bool nobody_listens(Fault fault);
// Returns the label: "client", "proxy", "upstream".
std::string_view label(Blame blame);

}  // namespace gatehouse
