#include "proxy/http/counters.h"

namespace gatehouse {

std::string_view label(HandshakeFailure failure) {
  constexpr std::array<std::string_view, kHandshakeFailureCount> kLabels = {
      "timeout",      "closed",     "protocol",       "no_shared_cipher", "version", "alpn",
      "unknown_name", "plain_http", "no_certificate", "bad_certificate",  "other"};
  static_assert(static_cast<std::size_t>(HandshakeFailure::kOther) + 1 == kHandshakeFailureCount);
  return kLabels[static_cast<std::size_t>(failure)];
}

std::string_view label(ProxyHeaderFailure failure) {
  constexpr std::array<std::string_view, kProxyHeaderFailureCount> kLabels = {
      "untrusted", "missing", "invalid", "too_long", "checksum", "timeout", "closed"};
  static_assert(static_cast<std::size_t>(ProxyHeaderFailure::kClosed) + 1 == kProxyHeaderFailureCount);
  return kLabels[static_cast<std::size_t>(failure)];
}

std::string_view label(Abuse abuse) {
  constexpr std::array<std::string_view, kAbuseCount> kLabels = {"resets",
                                                                 "forced_resets",
                                                                 "oversized_heads",
                                                                 "excessive_head",
                                                                 "control_frames",
                                                                 "other_frames",
                                                                 "empty_frames",
                                                                 "frames",
                                                                 "tls_messages",
                                                                 "protocol_error",
                                                                 "unacknowledged_settings",
                                                                 "unfinished_head",
                                                                 "stalled",
                                                                 "window_updates",
                                                                 "closed_streams"};
  static_assert(static_cast<std::size_t>(Abuse::kClosedStream) + 1 == kAbuseCount);
  return kLabels[static_cast<std::size_t>(abuse)];
}

}  // namespace gatehouse
