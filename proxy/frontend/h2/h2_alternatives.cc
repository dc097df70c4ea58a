#include "proxy/frontend/h2/h2_alternatives.h"

#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>

namespace gatehouse {

namespace {

std::span<const std::uint8_t> bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace

std::string origin_of(std::string_view authority) {
  constexpr std::string_view kDefaultPort = ":443";
  if (authority.ends_with(kDefaultPort)) authority.remove_suffix(kDefaultPort.size());
  return "https://" + std::string(authority);
}

void H2Alternatives::tell(nghttp2_session* session, std::string_view authority, std::string_view value) {
  const auto known = std::ranges::find(told_, authority, &Told::authority);
  if (known != told_.end() && known->value == value) return;
  if (known == told_.end() && told_.size() == kMostOrigins) return;
  const std::string origin = origin_of(authority);
  const auto [origin_bytes, value_bytes] = std::pair(bytes_of(origin), bytes_of(value));
  // Where memory is short the client goes without, and has the field.
  if (nghttp2_submit_altsvc(session, NGHTTP2_FLAG_NONE, 0, origin_bytes.data(), origin_bytes.size(), value_bytes.data(),
                            value_bytes.size()) != 0) {
    return;
  }
  if (known != told_.end()) {
    known->value = value;
  } else {
    told_.push_back({.authority = std::string(authority), .value = std::string(value)});
  }
}

}  // namespace gatehouse
