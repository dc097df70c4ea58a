// The versions of HTTP that clients speak to us, and their names in logs, metrics and configuration. Endpoints are
// always spoken to in HTTP/1.1. Values, any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace gatehouse {

enum class Protocol : std::uint8_t { kH10, kH1, kH2, kH3 };

inline constexpr std::size_t kProtocolCount = 4;

// The label in logs, metrics and configuration.
constexpr std::string_view label(Protocol protocol) {
  constexpr std::string_view kLabels[kProtocolCount] = {"h1.0", "h1", "h2", "h3"};
  return kLabels[static_cast<std::size_t>(protocol)];
}

// Whether its heads are lists of fields, without a line of text.
constexpr bool is_binary(Protocol protocol) {
  return protocol == Protocol::kH2 || protocol == Protocol::kH3;
}

// As W3C cs-version and the combined log format write it: "HTTP/1.0" .. "HTTP/3".
constexpr std::string_view version_text(Protocol protocol) {
  constexpr std::string_view kTexts[kProtocolCount] = {"HTTP/1.0", "HTTP/1.1", "HTTP/2", "HTTP/3"};
  return kTexts[static_cast<std::size_t>(protocol)];
}

}  // namespace gatehouse
