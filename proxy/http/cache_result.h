// What the cache did for an exchange: for its record, and so for the access log and the metrics; Cache-Status tells the
// client more. Values, any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace gatehouse {

enum class CacheResult : std::uint8_t {
  // The route has no cache, or the request did not come that far.
  kNone,
  // Answered with what is stored: fresh, stale as its endpoint allows, or found to be good still.
  kHit,
  kStale,
  kRevalidated,
  // Answered by an endpoint, as nothing fit for it is stored.
  kMiss,
  // Answered by an endpoint, as the request has nothing to do with what is stored.
  kBypass,
};

inline constexpr std::size_t kCacheResults = 6;

constexpr std::string_view label(CacheResult result) {
  constexpr std::array<std::string_view, kCacheResults> kLabels = {"", "hit", "stale", "revalidated", "miss", "bypass"};
  return kLabels[static_cast<std::size_t>(result)];
}

}  // namespace gatehouse
