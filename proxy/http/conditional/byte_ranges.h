// Which bytes of a representation a request asks for (RFC 9110 section 14). What is not understood, or would cost more
// than it brings, is as if it had not been asked. Pure, any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gatehouse {

struct ByteRange {
  std::uint64_t first = 0;
  // Never 0 in what chosen_ranges() returns.
  std::uint64_t size = 0;
  friend bool operator==(const ByteRange&, const ByteRange&) = default;
};

struct RangeChoice {
  enum class Kind : std::uint8_t { kWhole, kParts, kUnsatisfiable };
  Kind kind = Kind::kWhole;
  // For kParts: one or more, in the order of the request.
  std::vector<ByteRange> parts = {};
};

// More of them are answered by the whole, as are those that overlap so that they add up to more than the whole: nobody
// needs them, and each costs (RFC 9110 section 14.2).
inline constexpr std::size_t kMostRanges = 16;

// Reads the value of a Range field for a representation of `size` bytes. kWhole: it says nothing that has to be heeded
// (another unit, bad syntax, too many). kUnsatisfiable: nothing of what it asks for is there.
RangeChoice chosen_ranges(std::string_view range, std::uint64_t size);

// Returns "bytes 0-99/200" and "bytes */200".
std::string content_range(const ByteRange& range, std::uint64_t size);
std::string unsatisfied_range(std::uint64_t size);

}  // namespace gatehouse
