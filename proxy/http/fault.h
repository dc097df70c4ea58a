// Why an exchange ended badly: one enumerator and one row of one table each. The row says what every protocol, the log,
// the metrics, Proxy-Status (RFC 9209) and the retry decision need to know; deploy/guides/faults.md says the same to
// users, and why, and what to do. Pure, any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace gatehouse {

enum class Fault : std::uint8_t {
  // the client's request, found by a codec or by field_rules
  kMalformedRequest,      // 400; h2/h3: stream error
  kHeadersTooLarge,       // 431
  kTargetTooLong,         // 414
  kVersionNotSupported,   // 505
  kCodingNotImplemented,  // 501: transfer coding other than chunked
  kMethodNotAllowed,      // 405: CONNECT, TRACE
  kExpectationFailed,     // 417
  kMisdirected,           // 421
  kHeaderTimeout,         // 408
  kUnsafeTarget,          // 400: a path that two parsers could read differently
  // the client's body, or its absence
  kBodyTooLarge,        // 413
  kRequestBodyTimeout,  // 408
  kRequestBodyInvalid,  // bad chunk, length mismatch, bad trailers: 400 if no head went out
  kClientGone,          // the client went away (499 in the log)
  kClientStalled,       // the client does not read its answer
  // our own decisions
  kNoRoute,         // 404
  kDraining,        // 503
  kOverloaded,      // 503
  kInternalError,   // 500
  kLoopDetected,    // 508: the request has been here before
  kOutOfResources,  // 503: no descriptor, port or memory for a connection to an endpoint
  // upstream
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
  kUpstreamBodyTimeout,      // the answer stopped half-way
  kUpstreamTruncated,        // the answer ended before its end
  kRequestNotWritable,       // 400: cannot be written safely as HTTP/1.1
  // upstreams that have no endpoint for a reason
  kAppStartFailed,   // 503: its process did not get ready
  kAppParked,        // 503: it failed so often that it gets a rest
  kAppOffline,       // 503: its offline file is there, or somebody said so
  kAppStopped,       // 503: somebody stopped it
  kNameNotResolved,  // 503: no address is known for its name
};

inline constexpr std::size_t kFaultCount = static_cast<std::size_t>(Fault::kNameNotResolved) + 1;

enum class Blame : std::uint8_t { kClient, kProxy, kUpstream };

struct FaultRule {
  Fault fault;
  std::string_view label;         // in logs and metrics: "connect_refused"
  std::uint16_t status;           // of the answer that we make; 0: none is made (the client is gone)
  std::string_view proxy_status;  // RFC 9209 error token: "connection_refused"; empty: none
  Blame blame;
  std::uint32_t h2_code;         // RST_STREAM once the head is out, or where the dialect resets instead of answering
  std::uint64_t h3_code;         // RESET_STREAM likewise
  bool resets_stream;            // h2 and h3 answer with a stream error even before the head (malformed messages)
  bool closes_connection;        // h1: the connection cannot be used again
  std::string_view explanation;  // one sentence for the error page
  std::string_view details;      // for whoever runs it: what happened to whom, in the words of the configuration
};

const FaultRule& rule(Fault fault);
std::span<const FaultRule> fault_rules();
std::string_view label(Blame blame);  // "client", "proxy", "upstream"

}  // namespace gatehouse
