// What H1Head and those who read its parts have made of some bytes. They say what is wrong; the parser, which knows who
// sent it, makes an event of that, or a Fault.
#pragma once

#include <cstddef>
#include <cstdint>

namespace gatehouse {

enum class H1Outcome : std::uint8_t {
  // All bytes are taken, and the part goes on.
  kMore,
  // The last byte that was taken ended the part.
  kComplete,
  // Against RFC 9112, or read in more than one way by those who read HTTP.
  kMalformed,
  // There is no such version of HTTP.
  kUnknownVersion,
  // These two are said by the first byte beyond the limit.
  kTargetTooLong,
  kTooLarge
};

// `consumed` counts from the beginning of the bytes given; after a fault it says nothing.
struct H1Read {
  H1Outcome outcome = H1Outcome::kMore;
  std::size_t consumed = 0;
};

}  // namespace gatehouse
