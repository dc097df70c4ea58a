// Durations, sizes and rates as users write them: "250ms", "10s", "2m", "1h"; "512", "64KiB", "30MB"; "100/s", "5/m".
// Whole numbers and one unit, never a bare number for a duration or a rate. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/result.h"

namespace gatehouse::config {

inline constexpr std::chrono::milliseconds kMaxDuration = std::chrono::days(365);

// The error says what is wrong with `text` and what would be right.
Result<std::chrono::milliseconds> parse_duration(std::string_view text);
std::string format_duration(std::chrono::milliseconds duration);  // in the largest unit that divides it

// Bytes. KB, MB and GB are powers of 1000; KiB, MiB and GiB of 1024; B or nothing is bytes.
Result<std::uint64_t> parse_size(std::string_view text);
std::string format_size(std::uint64_t bytes);  // in the largest binary unit that divides it, else as a plain number

// So many in a period of time.
struct Rate {
  std::uint32_t count = 0;  // 0: no limit
  std::chrono::milliseconds period = std::chrono::seconds(1);
  friend bool operator==(const Rate&, const Rate&) = default;
};

// "100/s", "20/m", "5/h"; the error as above.
Result<Rate> parse_rate(std::string_view text);
std::string format_rate(const Rate& rate);  // "off" without a limit

}  // namespace gatehouse::config
