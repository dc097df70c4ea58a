// Durations, times of the day, sizes and rates as users write them: "250ms", "10s", "2m", "1h"; "03:00"; "512", "64KiB",
// "30MB"; "100/s", "5/m". Whole numbers and one unit, never a bare number for a duration or a rate. Statuses and ranges of
// them. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "config/policy/balancing.h"

namespace gatehouse::config {

inline constexpr std::chrono::milliseconds kMaxDuration = std::chrono::days(365);

// Reads a duration of at most kMaxDuration in ms, s, m or h; "0s" is one. The error says what is wrong with `text` and
// what would be right.
Result<std::chrono::milliseconds> parse_duration(std::string_view text);
// In the largest unit that divides it: "90s", "2m". REQUIRES: not negative
std::string format_duration(std::chrono::milliseconds duration);

// Reads a time of the day, "00:00" to "23:59", as the minutes since midnight.
Result<std::chrono::minutes> parse_time_of_day(std::string_view text);
// As parse_time_of_day() reads it.
std::string format_time_of_day(std::chrono::minutes time);

// Reads bytes. KB (or kB), MB and GB are powers of 1000; KiB, MiB and GiB of 1024; B or nothing is bytes. The largest
// is 2^63 - 1, as TOML has it.
Result<std::uint64_t> parse_size(std::string_view text);
// In the largest binary unit that divides it, else as a plain number.
std::string format_size(std::uint64_t bytes);

// So many in a period of time.
struct Rate {
  // 0: no limit.
  std::uint32_t count = 0;
  std::chrono::milliseconds period = std::chrono::seconds(1);
  friend bool operator==(const Rate&, const Rate&) = default;
};

// Reads "100/s", "20/m", "5/h", of a count up to 1,000,000; the error as above. "off" is for the caller.
Result<Rate> parse_rate(std::string_view text);
// As parse_rate() reads it; "off" without a limit.
std::string format_rate(const Rate& rate);

// "500", "502-504", in order.
std::vector<std::string> format_statuses(const StatusSet& statuses);

}  // namespace gatehouse::config
