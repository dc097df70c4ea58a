#include "proxy/http/conditional/byte_ranges.h"

#include <algorithm>
#include <format>
#include <limits>
#include <optional>

#include "common/text.h"

namespace gatehouse {

namespace {

constexpr std::string_view kUnit = "bytes=";

// A number beyond 64 bits is beyond every representation, too.
std::optional<std::uint64_t> position(std::string_view digits) {
  if (digits.empty() || !std::ranges::all_of(digits, text::is_digit)) return std::nullopt;
  return text::parse_decimal(digits).value_or(std::numeric_limits<std::uint64_t>::max());
}

// Nothing: it is no range. A size of 0: it is one of which nothing is there.
std::optional<ByteRange> range_of(std::string_view spec, std::uint64_t size) {
  const std::size_t dash = spec.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const std::string_view from = spec.substr(0, dash);
  const std::string_view to = spec.substr(dash + 1);
  if (from.empty()) {
    const std::optional<std::uint64_t> last = position(to);
    if (!last) return std::nullopt;
    const std::uint64_t count = std::min(*last, size);
    return ByteRange{.first = size - count, .size = count};
  }
  const std::optional<std::uint64_t> first = position(from);
  const std::optional<std::uint64_t> last = to.empty() ? std::numeric_limits<std::uint64_t>::max() : position(to);
  if (!first || !last || *first > *last) return std::nullopt;
  if (*first >= size) return ByteRange{};
  return ByteRange{.first = *first, .size = std::min(*last, size - 1) - *first + 1};
}

}  // namespace

RangeChoice chosen_ranges(std::string_view range, std::uint64_t size) {
  if (!text::iequals(range.substr(0, kUnit.size()), kUnit)) return {};
  std::string_view rest = range.substr(kUnit.size());
  RangeChoice choice{.kind = RangeChoice::Kind::kUnsatisfiable};
  std::uint64_t total = 0;
  std::size_t asked = 0;
  while (!rest.empty()) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    const std::string_view spec = text::trim(rest.substr(0, comma));
    rest.remove_prefix(std::min(comma + 1, rest.size()));
    if (spec.empty()) continue;
    const std::optional<ByteRange> part = range_of(spec, size);
    if (!part || ++asked > kMostRanges) return {};
    // The end of nothing, which is there, and cannot be said by Content-Range.
    if (size == 0 && spec.front() == '-' && spec != "-0") return {};
    if (part->size == 0) continue;
    if (part->size > size - total) return {};
    total += part->size;
    choice.parts.push_back(*part);
  }
  if (asked == 0) return {};
  if (!choice.parts.empty()) choice.kind = RangeChoice::Kind::kParts;
  return choice;
}

std::string content_range(const ByteRange& range, std::uint64_t size) {
  return std::format("bytes {}-{}/{}", range.first, range.first + range.size - 1, size);
}

std::string unsatisfied_range(std::uint64_t size) {
  return std::format("bytes */{}", size);
}

}  // namespace gatehouse
