// Text that goes into log lines: whatever a client sent becomes harmless (one record per request, no control
// characters, no broken quotes, valid UTF-8 only), times in the forms that log readers expect. Appends to the line;
// pure, any thread, except that a LogTime belongs to one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/clock.h"

namespace gatehouse::log_text {

enum class Style : std::uint8_t {
  kJson,    // inside the quotes of a JSON string; invalid UTF-8 becomes U+FFFD
  kQuoted,  // inside the quotes of a combined line; \xHH
  kWord,    // one word of a W3C line: \xHH, and a plus sign for a space
};

// Control characters (C0, DEL, C1), quotation mark and backslash are escaped in every style.
void append_escaped(std::string& line, std::string_view text, Style style);

void append_number(std::string& line, std::uint64_t number);
void append_milliseconds(std::string& line, Duration duration);  // "12.345"; never negative

// Splits wall time into its parts, once a second.
class LogTime {
 public:
  void append_iso(std::string& line, WallTime time);       // 2026-01-31T13:05:09.123Z
  void append_combined(std::string& line, WallTime time);  // 31/Jan/2026:13:05:09 +0000
  void append_w3c(std::string& line, WallTime time);       // 2026-01-31 13:05:09

 private:
  void split(WallTime time);

  std::int64_t second_ = INT64_MIN;
  std::string date_;      // 2026-01-31
  std::string clock_;     // 13:05:09
  std::string combined_;  // 31/Jan/2026:13:05:09 +0000
};

}  // namespace gatehouse::log_text
