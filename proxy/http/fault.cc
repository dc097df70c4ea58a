#include "proxy/http/fault.h"

#include <array>

namespace gatehouse {

namespace {

// RFC 9113 section 7
constexpr std::uint32_t kH2Protocol = 0x1;
constexpr std::uint32_t kH2Internal = 0x2;
constexpr std::uint32_t kH2Refused = 0x7;
constexpr std::uint32_t kH2Cancel = 0x8;
constexpr std::uint32_t kH2Calm = 0xb;
// RFC 9114 section 8.1
constexpr std::uint64_t kH3Internal = 0x102;
constexpr std::uint64_t kH3ExcessiveLoad = 0x107;
constexpr std::uint64_t kH3Rejected = 0x10b;
constexpr std::uint64_t kH3Cancelled = 0x10c;
constexpr std::uint64_t kH3Message = 0x10e;

constexpr Blame kClient = Blame::kClient;
constexpr Blame kProxy = Blame::kProxy;
constexpr Blame kUpstream = Blame::kUpstream;

// fault, label, status, Proxy-Status error, blame, h2, h3, resets_stream, closes_connection, explanation, details
constexpr std::array<FaultRule, kFaultCount> kRules = {{
    {Fault::kMalformedRequest, "malformed_request", 400, "http_request_error", kClient, kH2Protocol, kH3Message, true,
     true, "The request is not valid HTTP.",
     "the client's request is not valid HTTP, or two readers could take it for different requests"},
    {Fault::kHeadersTooLarge, "headers_too_large", 431, "http_request_error", kClient, kH2Calm, kH3ExcessiveLoad, false,
     true, "The header fields of the request are too large.",
     "the request's header section is beyond max_header_bytes or max_header_count"},
    {Fault::kTargetTooLong, "target_too_long", 414, "http_request_error", kClient, kH2Calm, kH3ExcessiveLoad, false,
     true, "The address that was asked for is too long.", "the request's target is longer than max_target_bytes"},
    {Fault::kVersionNotSupported, "version_not_supported", 505, "http_request_error", kClient, kH2Protocol, kH3Message,
     false, true, "This version of HTTP is not supported.", "the request's HTTP version is neither 1.0 nor 1.1"},
    {Fault::kCodingNotImplemented, "coding_not_implemented", 501, "http_request_error", kClient, kH2Protocol,
     kH3Message, false, true, "The transfer coding of the request is not supported.",
     "the request's Transfer-Encoding is another than chunked"},
    {Fault::kMethodNotAllowed, "method_not_allowed", 405, "http_request_denied", kClient, kH2Protocol, kH3Message,
     false, true, "The method of the request is not allowed here.", "CONNECT and TRACE are not served"},
    {Fault::kExpectationFailed, "expectation_failed", 417, "http_request_error", kClient, kH2Protocol, kH3Message,
     false, true, "The expectation of the request cannot be met.",
     "the request expects something else than 100-continue"},
    {Fault::kMisdirected, "misdirected", 421, "http_request_denied", kClient, kH2Refused, kH3Rejected, false, false,
     "This connection does not serve the site that was asked for.",
     "the host asked for has another certificate than the one that this connection was made with"},
    {Fault::kHeaderTimeout, "header_timeout", 408, "http_request_error", kClient, kH2Cancel, kH3Cancelled, false, true,
     "The request did not arrive in time.", "the request's head was not complete within timeouts.header"},
    {Fault::kUnsafeTarget, "unsafe_target", 400, "http_request_error", kClient, kH2Protocol, kH3Message, false, true,
     "The path that was asked for is ambiguous.",
     "the path holds a backslash, an encoded slash or NUL, or leads above the root"},

    {Fault::kBodyTooLarge, "body_too_large", 413, "http_request_error", kClient, kH2Cancel, kH3Cancelled, false, true,
     "The body of the request is too large.", "the request's body is larger than max_request_body"},
    {Fault::kRequestBodyTimeout, "request_body_timeout", 408, "http_request_error", kClient, kH2Cancel, kH3Cancelled,
     false, true, "The body of the request did not arrive in time.",
     "the client sent nothing of the request's body for timeouts.request_body"},
    {Fault::kRequestBodyInvalid, "request_body_invalid", 400, "http_request_error", kClient, kH2Protocol, kH3Message,
     true, true, "The body of the request is not valid.",
     "the request's body has a bad chunk, another length than announced, or bad trailers"},
    {Fault::kClientGone, "client_gone", 0, "", kClient, kH2Cancel, kH3Cancelled, true, true, "The client went away.",
     "the client closed the connection or cancelled the request"},
    {Fault::kClientStalled, "client_stalled", 0, "", kClient, kH2Cancel, kH3Cancelled, true, true,
     "The client did not read its answer.", "the client took nothing of the answer for timeouts.response_write"},

    {Fault::kNoRoute, "no_route", 404, "destination_not_found", kProxy, kH2Internal, kH3Internal, false, false,
     "Nothing is served at this address.", "no route of the configuration fits this host and path"},
    {Fault::kInternalError, "internal_error", 500, "proxy_internal_error", kProxy, kH2Internal, kH3Internal, false,
     false, "The server met an unexpected condition.",
     "this proxy met a condition that it has no answer for; its log has more"},
    {Fault::kLoopDetected, "loop_detected", 508, "proxy_loop_detected", kProxy, kH2Internal, kH3Internal, false, false,
     "The request leads back to where it came from.",
     "the request came by this listener and route before: the route's endpoint sends it back here"},
    {Fault::kOutOfResources, "out_of_resources", 503, "connection_limit_reached", kProxy, kH2Internal, kH3Internal,
     false, false, "The server has no room for another connection.",
     "this proxy, not the endpoint, has no descriptor, port or memory for a connection to it"},

    {Fault::kNoHealthyEndpoint, "no_healthy_endpoint", 503, "destination_unavailable", kUpstream, kH2Internal,
     kH3Internal, false, false, "The application is not available at the moment.",
     "every endpoint of the upstream is unhealthy, ejected or cannot be reached"},
    {Fault::kQueueFull, "queue_full", 503, "connection_limit_reached", kUpstream, kH2Internal, kH3Internal, false,
     false, "Too many requests are waiting for the application.",
     "all places at the upstream are taken and as many requests wait as its queue allows"},
    {Fault::kQueueTimeout, "queue_timeout", 503, "connection_limit_reached", kUpstream, kH2Internal, kH3Internal, false,
     false, "The application had no room for the request in time.",
     "the request waited queue_timeout for a place at the upstream or for its app to be ready"},
    {Fault::kConnectRefused, "connect_refused", 502, "connection_refused", kUpstream, kH2Internal, kH3Internal, false,
     false, "The application refused the connection.", "nothing accepts connections at the endpoint's address"},
    {Fault::kConnectFailed, "connect_failed", 502, "destination_unavailable", kUpstream, kH2Internal, kH3Internal,
     false, false, "The application could not be reached.",
     "there is no way to the endpoint's address, or no such socket"},
    {Fault::kConnectTimeout, "connect_timeout", 504, "connection_timeout", kUpstream, kH2Internal, kH3Internal, false,
     false, "The application did not accept the connection in time.",
     "the endpoint did not accept the connection within timeouts.connect"},
    {Fault::kForeignListener, "foreign_listener", 502, "destination_unavailable", kUpstream, kH2Internal, kH3Internal,
     false, false, "The application could not be reached.",
     "another user than the app's listens on the app's socket, and was sent nothing"},
    {Fault::kUpstreamReset, "upstream_reset", 502, "connection_terminated", kUpstream, kH2Internal, kH3Internal, false,
     false, "The application broke the connection.",
     "the endpoint reset the connection before the head of its answer was complete"},
    {Fault::kUpstreamClosed, "upstream_closed", 502, "connection_terminated", kUpstream, kH2Internal, kH3Internal,
     false, false, "The application closed the connection without an answer.",
     "the endpoint closed the connection before the head of its answer was complete"},
    {Fault::kUpstreamInvalid, "upstream_invalid", 502, "http_protocol_error", kUpstream, kH2Internal, kH3Internal,
     false, false, "The application's answer is not valid HTTP.",
     "the endpoint's answer is not HTTP/1.1, or its framing is ambiguous"},
    {Fault::kUpstreamHeadersTooLarge, "upstream_headers_too_large", 502, "http_response_header_section_size", kUpstream,
     kH2Internal, kH3Internal, false, false, "The header fields of the application's answer are too large.",
     "the header section of the endpoint's answer is too large"},
    {Fault::kUpstreamTimeout, "upstream_timeout", 504, "http_response_timeout", kUpstream, kH2Internal, kH3Internal,
     false, false, "The application did not answer in time.",
     "the endpoint got the request and sent no head of an answer within timeouts.response"},
    {Fault::kUpstreamBodyTimeout, "upstream_body_timeout", 504, "http_response_timeout", kUpstream, kH2Internal,
     kH3Internal, false, false, "The application's answer stopped half-way.",
     "the endpoint sent nothing of the answer's body for timeouts.response_body"},
    {Fault::kUpstreamTruncated, "upstream_truncated", 502, "http_response_incomplete", kUpstream, kH2Internal,
     kH3Internal, false, false, "The application's answer ended before its end.",
     "the endpoint closed the connection before the end of its answer's body"},
    {Fault::kRequestNotWritable, "request_not_writable", 400, "http_request_error", kClient, kH2Protocol, kH3Message,
     false, true, "The request cannot be passed on safely.",
     "the request cannot be written as HTTP/1.1 without changing its meaning"},

    {Fault::kAppStartFailed, "app_start_failed", 503, "destination_unavailable", kUpstream, kH2Internal, kH3Internal,
     false, false, "The application could not be started.",
     "the app's process ended, or was not ready within start_timeout"},
    {Fault::kAppParked, "app_parked", 503, "destination_unavailable", kUpstream, kH2Internal, kH3Internal, false, false,
     "The application failed too often and is not started again for a while.",
     "the app crashed or failed to start as often as rapid_fail allows"},
    {Fault::kAppOffline, "app_offline", 503, "destination_unavailable", kUpstream, kH2Internal, kH3Internal, false,
     false, "The application has been taken offline.",
     "the app's offline_file is there, or somebody said gatehouse app NAME offline"},
    {Fault::kAppStopped, "app_stopped", 503, "destination_unavailable", kUpstream, kH2Internal, kH3Internal, false,
     false, "The application has been stopped.", "somebody said gatehouse app NAME stop"},
    {Fault::kNameNotResolved, "name_not_resolved", 503, "dns_error", kUpstream, kH2Internal, kH3Internal, false, false,
     "The name of the application's server could not be resolved.",
     "DNS has no address for the name of the upstream's endpoint"},
}};

static_assert([] {
  for (std::size_t i = 0; i < kRules.size(); ++i) {
    const FaultRule& row = kRules[i];
    if (static_cast<std::size_t>(row.fault) != i || row.label.empty() || row.explanation.empty() || row.details.empty())
      return false;
    // An answer of ours always says why (RFC 9209); where none is made nothing can.
    if ((row.status == 0) != row.proxy_status.empty()) return false;
  }
  return true;
}());

}  // namespace

const FaultRule& rule(Fault fault) {
  return kRules[static_cast<std::size_t>(fault)];
}

std::span<const FaultRule> fault_rules() {
  return kRules;
}

std::string_view label(Blame blame) {
  constexpr std::array<std::string_view, 3> kLabels = {"client", "proxy", "upstream"};
  return kLabels[static_cast<std::size_t>(blame)];
}

}  // namespace gatehouse
