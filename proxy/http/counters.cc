#include "proxy/http/counters.h"

namespace gatehouse {

std::string_view token(HandshakeFailure failure) {
  constexpr std::array<std::string_view, kHandshakeFailureCount> kTokens = {
      "timeout", "closed", "protocol", "no_shared_cipher", "version", "alpn", "unknown_name", "other"};
  static_assert(static_cast<std::size_t>(HandshakeFailure::kOther) + 1 == kHandshakeFailureCount);
  return kTokens[static_cast<std::size_t>(failure)];
}

}  // namespace gatehouse
