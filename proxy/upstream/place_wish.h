// What a request wants of the endpoint that it gets, and why it may get none: what forwarder, waiting line and pools
// say to each other about permits. Values; one thread at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace gatehouse {

class Endpoint;

struct PlaceWish {
  std::span<const Endpoint* const> tried{};  // none of these
  std::optional<std::uint64_t> key{};        // for Balance::kHash
  std::string_view cookie{};                 // the affinity cookie's value: its member if that is available
};

enum class NoPermit : std::uint8_t {
  kTaken,    // by other requests, or promised to those who wait: it may wait, too
  kComing,   // there is no endpoint now, but there will be: it may wait
  kRefused,  // there is none: the set's refusal says what the client hears
  kTried,    // all that there are have been tried
  kNoRoom,   // the process may not open another connection now: it may wait
};

}  // namespace gatehouse
