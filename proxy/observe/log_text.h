// Text that goes into log lines: whatever a client sent becomes harmless (one record per request, no control
// characters, no broken quotes, valid UTF-8 only), times in the forms that log readers expect. Appends to the line;
// pure, any thread, except that a LogTime belongs to one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/clock.h"

namespace gatehouse::log_text {

// Where a text is going to stand, which decides how it is escaped.
enum class Style : std::uint8_t {
  // Inside the quotes of a JSON string: \u00HH and \", and U+FFFD for each byte that is not UTF-8.
  kJson,
  // Inside the quotes of a combined line: \xHH for each byte, also of what is not UTF-8.
  kQuoted,
  // One word of a W3C line: as kQuoted, and a plus sign for a space.
  kWord,
  // On a terminal: as kQuoted, and also all that is not ASCII, so that nothing turns the direction of what follows,
  // hides in it, or is wider than it looks.
  kAscii,
};

// Escapes control characters (C0, DEL, C1), quotation mark and backslash in every style; appends no quotes itself.
void append_escaped(std::string& line, std::string_view text, Style style);

void append_number(std::string& line, std::uint64_t number);
// Whole milliseconds and three digits more: "12.345". What is less than zero is written as zero.
void append_milliseconds(std::string& line, Duration duration);

// Wall time as text, in UTC. It splits a second into its parts once and keeps them for the lines that follow.
class LogTime {
 public:
  // 2026-01-31T13:05:09.123Z
  void append_iso(std::string& line, WallTime time);
  // 31/Jan/2026:13:05:09 +0000
  void append_combined(std::string& line, WallTime time);
  // 2026-01-31 13:05:09
  void append_w3c(std::string& line, WallTime time);
  // 14:05:09 where the machine is, for people who look at it: the only one that is not UTC.
  void append_local(std::string& line, WallTime time);

 private:
  // Makes the texts new where `time` is in another second than they are.
  void split(WallTime time);

  // The second since the epoch that the texts are of.
  std::int64_t second_ = INT64_MIN;
  std::string date_;      // 2026-01-31
  std::string clock_;     // 13:05:09
  std::string combined_;  // 31/Jan/2026:13:05:09 +0000
  std::string local_;     // 14:05:09
};

}  // namespace gatehouse::log_text
