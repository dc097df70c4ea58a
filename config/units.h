// Durations and sizes as users write them: "250ms", "10s", "2m", "1h"; "512", "64KiB", "30MB". Whole numbers and one
// unit, never a bare number for a duration. Pure.
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

}  // namespace gatehouse::config
