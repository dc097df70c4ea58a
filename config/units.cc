#include "config/units.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <format>
#include <limits>
#include <optional>
#include <utility>

#include "common/text.h"
#include "config/quoting.h"

namespace gatehouse::config {

namespace {

using std::chrono::milliseconds;
using Unit = std::pair<std::string_view, std::uint64_t>;

// Largest first, so that formatting takes the first that divides.
constexpr std::array<Unit, 4> kDurationUnits{{{"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};
constexpr std::array<Unit, 3> kPeriods{{{"s", 1'000}, {"m", 60'000}, {"h", 3'600'000}}};
constexpr std::uint64_t kMaxRate = 1'000'000;
constexpr std::array<Unit, 3> kBinaryUnits{{{"GiB", 1U << 30U}, {"MiB", 1U << 20U}, {"KiB", 1U << 10U}}};
constexpr std::array<Unit, 9> kSizeUnits{{{"", 1},
                                          {"B", 1},
                                          {"KB", 1'000},
                                          {"kB", 1'000},
                                          {"MB", 1'000'000},
                                          {"GB", 1'000'000'000},
                                          {"KiB", 1U << 10U},
                                          {"MiB", 1U << 20U},
                                          {"GiB", 1U << 30U}}};

struct Quantity {
  std::string_view digits;
  std::string_view unit;
};

Quantity split(std::string_view text) {
  const std::size_t end = std::min(text.find_first_not_of("0123456789"), text.size());
  return {.digits = text.substr(0, end), .unit = text.substr(end)};
}

// digits * factor, or nothing if there are no digits or the product is beyond `max`.
std::optional<std::uint64_t> product(std::string_view digits, std::uint64_t factor, std::uint64_t max) {
  const auto number = text::parse_decimal(digits);
  if (!number || *number > max / factor) return std::nullopt;
  return *number * factor;
}

}  // namespace

Result<milliseconds> parse_duration(std::string_view text) {
  const Quantity quantity = split(text);
  const auto* unit = std::ranges::find(kDurationUnits, quantity.unit, &Unit::first);
  if (quantity.digits.empty() || (unit == kDurationUnits.end() && !quantity.unit.empty())) {
    return failure(std::format(R"({} is no duration; write a whole number and ms, s, m or h, such as "250ms" or "10s")",
                               in_quotes(text)));
  }
  if (unit == kDurationUnits.end()) {
    return failure(std::format("{} has no unit; write ms, s, m or h behind it, such as {}", in_quotes(text),
                               in_quotes(std::string(quantity.digits) + "s")));
  }
  const auto max = static_cast<std::uint64_t>(kMaxDuration.count());
  const auto count = product(quantity.digits, unit->second, max);
  if (!count)
    return failure(
        std::format("{} is too long; the longest duration is {}", in_quotes(text), format_duration(kMaxDuration)));
  return milliseconds(*count);
}

std::string format_duration(milliseconds duration) {
  const auto count = static_cast<std::uint64_t>(duration.count());
  if (count == 0) return "0s";
  const auto* unit = std::ranges::find_if(kDurationUnits, [&](const Unit& u) { return count % u.second == 0; });
  return std::format("{}{}", count / unit->second, unit->first);
}

Result<std::chrono::minutes> parse_time_of_day(std::string_view text) {
  constexpr std::uint64_t kHours = 24;
  constexpr std::uint64_t kMinutes = 60;
  const bool formed = text.size() == 5 && text[2] == ':';
  const auto hour = formed ? text::parse_decimal(text.substr(0, 2)) : std::nullopt;
  const auto minute = formed ? text::parse_decimal(text.substr(3)) : std::nullopt;
  if (hour && minute && *hour < kHours && *minute < kMinutes) {
    return std::chrono::hours(*hour) + std::chrono::minutes(*minute);
  }
  return failure(
      std::format("{} is no time of the day; write hours and minutes from \"00:00\" to \"23:59\"", in_quotes(text)));
}

std::string format_time_of_day(std::chrono::minutes time) {
  return std::format("{:02}:{:02}", time.count() / 60, time.count() % 60);
}

Result<std::uint64_t> parse_size(std::string_view text) {
  const Quantity quantity = split(text);
  const auto* unit = std::ranges::find(kSizeUnits, quantity.unit, &Unit::first);
  if (quantity.digits.empty() || unit == kSizeUnits.end()) {
    return failure(std::format(
        R"({} is no size; write bytes as a whole number, or one with KB, MB, GB, KiB, MiB or GiB, such as "64KiB")",
        in_quotes(text)));
  }
  const auto bytes = product(quantity.digits, unit->second, std::numeric_limits<std::int64_t>::max());
  if (!bytes) return failure(std::format("{} is too large", in_quotes(text)));
  return *bytes;
}

std::string format_size(std::uint64_t bytes) {
  const auto* unit = std::ranges::find_if(kBinaryUnits, [&](const Unit& u) { return bytes % u.second == 0; });
  if (bytes == 0 || unit == kBinaryUnits.end()) return std::to_string(bytes);
  return std::format("{}{}", bytes / unit->second, unit->first);
}

Result<Rate> parse_rate(std::string_view text) {
  const Quantity quantity = split(text);
  const std::string_view name = quantity.unit.starts_with('/') ? quantity.unit.substr(1) : std::string_view();
  const auto* unit = std::ranges::find(kPeriods, name, &Unit::first);
  if (quantity.digits.empty() || unit == kPeriods.end()) {
    return failure(std::format(
        R"({} is no rate; write a whole number, a slash and s, m or h, such as "100/s", or "off")", in_quotes(text)));
  }
  const auto count = product(quantity.digits, 1, kMaxRate);
  if (!count) return failure(std::format("{} is too much; the highest rate is {}/s", in_quotes(text), kMaxRate));
  return Rate{.count = static_cast<std::uint32_t>(*count), .period = milliseconds(unit->second)};
}

std::string format_rate(const Rate& rate) {
  if (rate.count == 0) return "off";
  const auto period = static_cast<std::uint64_t>(rate.period.count());
  const auto* unit = std::ranges::find(kPeriods, period, &Unit::second);
  return std::format("{}/{}", rate.count, unit == kPeriods.end() ? format_duration(rate.period) : unit->first);
}

std::vector<std::string> format_statuses(const StatusSet& statuses) {
  std::vector<std::string> ranges;
  for (std::uint16_t first = StatusSet::kFirst; first <= StatusSet::kLast; ++first) {
    if (!statuses.contains(first)) continue;
    std::uint16_t last = first;
    while (statuses.contains(static_cast<std::uint16_t>(last + 1))) ++last;
    ranges.push_back(first == last ? std::to_string(first) : std::format("{}-{}", first, last));
    first = last;
  }
  return ranges;
}

}  // namespace gatehouse::config
