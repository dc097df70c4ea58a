// Text that goes into log lines: whatever a client sent becomes harmless (one record per request, no control
// characters, no broken quotes, valid UTF-8 only), times in the forms that log readers expect. Pure, any thread,
// except that a LineWriter and a LogTime belong to one.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
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

// Puts the many small parts of a line together, and appends them to the text of the log in one step.
//
//   put, put_escaped ... --> [ piece ] --when it is full, and at the end--> out
//
// Lives as long as the line is being written; `out` outlives it, and is nobody else's meanwhile.
class LineWriter {
 public:
  explicit LineWriter(std::string& out) : out_(out) {}
  ~LineWriter() { flush(); }
  LineWriter(const LineWriter&) = delete;
  LineWriter& operator=(const LineWriter&) = delete;

  // As it is: what is ours, or has been escaped.
  void put(char c) {
    if (left() == 0) flush();
    *at_++ = c;
  }
  void put(std::string_view text) {
    if (text.size() > left()) return put_behind(text);
    at_ = std::ranges::copy(text, at_).out;
  }
  // Escapes control characters (C0, DEL, C1), quotation mark and backslash in every style; puts no quotes itself.
  void put_escaped(std::string_view text, Style style);
  void put_number(std::uint64_t number);
  // Whole milliseconds and three digits more: "12.345". What is less than zero is written as zero.
  void put_milliseconds(Duration duration);

 private:
  static constexpr std::size_t kPiece = 2048;

  std::size_t left() const { return static_cast<std::size_t>(piece_.data() + kPiece - at_); }
  // Where `size` bytes may be written. REQUIRES: size <= kPiece.
  char* room(std::size_t size) {
    if (size > left()) flush();
    return at_;
  }
  // Of a text that has no room in the piece.
  void put_behind(std::string_view text);
  void put_hex(std::string_view prefix, char byte);
  void put_ascii(char c, Style style);
  // Puts what stands for the byte or the UTF-8 sequence at the front of `text`, and returns how long that is.
  std::size_t put_odd(std::string_view text, Style style);
  void flush();

  std::string& out_;
  std::array<char, kPiece> piece_;
  // The end of what is in the piece.
  char* at_ = piece_.data();
};

// Wall time as text, in UTC. It splits a second into its parts once and keeps them for the lines that follow. Each
// view is good until the next call.
class LogTime {
 public:
  // 2026-01-31T13:05:09.123Z
  std::string_view iso(WallTime time);
  // 31/Jan/2026:13:05:09 +0000
  std::string_view combined(WallTime time);
  // 2026-01-31 13:05:09
  std::string_view w3c(WallTime time);
  // 14:05:09 where the machine is, for people who look at it: the only one that is not UTC.
  std::string_view local(WallTime time);

 private:
  // Makes the texts new where `time` is in another second than they are.
  void split(WallTime time);

  // The second since the epoch that the texts are of.
  std::int64_t second_ = INT64_MIN;
  std::string iso_;       // 2026-01-31T13:05:09.123Z: the milliseconds are those of the last call
  std::string combined_;  // 31/Jan/2026:13:05:09 +0000
  std::string w3c_;       // 2026-01-31 13:05:09
  std::string local_;     // 14:05:09
};

}  // namespace gatehouse::log_text
