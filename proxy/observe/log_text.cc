#include "proxy/observe/log_text.h"

#include <charconv>
#include <chrono>
#include <cstring>
#include <ctime>
#include <format>
#include <limits>

#include "common/text.h"

namespace gatehouse::log_text {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD
constexpr std::size_t kMostDigits = std::numeric_limits<std::uint64_t>::digits10 + 1;

constexpr std::uint8_t bit(Style style) {
  return static_cast<std::uint8_t>(1U << static_cast<unsigned>(style));
}

// For each byte the styles in which it stands for itself, whatever is beside it.
constexpr std::array<std::uint8_t, 256> kPlain = [] {
  std::array<std::uint8_t, 256> styles{};
  for (std::size_t byte = ' '; byte < 0x7F; ++byte) styles[byte] = 0xFF;
  styles['"'] = styles['\\'] = 0;
  styles[' '] &= static_cast<std::uint8_t>(~bit(Style::kWord));
  return styles;
}();

// Whether it stands for itself.
bool is_plain(char c, Style style) {
  return (kPlain[static_cast<unsigned char>(c)] & bit(style)) != 0;
}

// The same of all bytes of a word at once; the least of them that stands for itself is `least`. A sum sets the top bit of
// each byte that is at least so much, or is not what may not be there. No byte carries into the next where all are ASCII.
bool all_plain(std::uint64_t word, unsigned char least) {
  constexpr std::uint64_t kOnes = 0x0101010101010101;
  constexpr std::uint64_t kHighs = kOnes * 0x80;
  const std::uint64_t from_least = word + kOnes * (0x80U - least);
  const std::uint64_t from_delete = word + kOnes * (0x80 - 0x7F);
  const std::uint64_t no_quote = (word ^ kOnes * '"') + kOnes * 0x7F;
  const std::uint64_t no_backslash = (word ^ kOnes * '\\') + kOnes * 0x7F;
  return (~word & from_least & ~from_delete & no_quote & no_backslash & kHighs) == kHighs;
}

// Copies what stands for itself at the front of `text`, and returns how long that is.
std::size_t copy_plain(std::string_view text, Style style, char* to) {
  const unsigned char least = style == Style::kWord ? ' ' + 1 : ' ';
  std::size_t size = 0;
  for (std::uint64_t word = 0; text.size() - size >= sizeof word; size += sizeof word) {
    std::memcpy(&word, text.data() + size, sizeof word);
    if (!all_plain(word, least)) break;
    std::memcpy(to + size, &word, sizeof word);
  }
  for (; size < text.size() && is_plain(text[size], style); ++size) to[size] = text[size];
  return size;
}

// REQUIRES: number < 1000.
char* write_three_digits(char* at, std::uint64_t number) {
  *at++ = static_cast<char>('0' + number / 100);
  *at++ = static_cast<char>('0' + number / 10 % 10);
  *at++ = static_cast<char>('0' + number % 10);
  return at;
}

}  // namespace

void LineWriter::flush() {
  out_.append(piece_.data(), at_);
  at_ = piece_.data();
}

void LineWriter::put_behind(std::string_view text) {
  flush();
  out_ += text;
}

void LineWriter::put_hex(std::string_view prefix, char byte) {
  put(prefix);
  put(kHexDigits[static_cast<unsigned char>(byte) >> 4U]);
  put(kHexDigits[static_cast<unsigned char>(byte) & 0x0FU]);
}

void LineWriter::put_ascii(char c, Style style) {
  if (c == ' ' && style == Style::kWord) return put('+');
  if (style != Style::kJson) return put_hex("\\x", c);
  if (c != '"' && c != '\\') return put_hex("\\u00", c);
  put('\\');
  put(c);
}

std::size_t LineWriter::put_odd(std::string_view text, Style style) {
  if (static_cast<unsigned char>(text.front()) < 0x80) {
    put_ascii(text.front(), style);
    return 1;
  }
  const std::size_t length = text::utf8_length(text);
  const std::string_view sequence = text.substr(0, std::max<std::size_t>(length, 1));
  const bool c1_control = length == 2 && sequence[0] == '\xC2' && static_cast<unsigned char>(sequence[1]) < 0xA0;
  if (length != 0 && !c1_control && style != Style::kAscii) {
    put(sequence);
  } else if (style != Style::kJson) {
    for (const char byte : sequence) put_hex("\\x", byte);
  } else if (c1_control) {
    put_hex("\\u00", sequence[1]);
  } else {
    put(kReplacement);
  }
  return sequence.size();
}

void LineWriter::put_escaped(std::string_view text, Style style) {
  while (!text.empty()) {
    if (left() == 0) flush();
    const std::size_t plain = copy_plain(text.substr(0, left()), style, at_);
    at_ += plain;
    text.remove_prefix(plain);
    while (!text.empty() && !is_plain(text.front(), style)) text.remove_prefix(put_odd(text, style));
  }
}

void LineWriter::put_number(std::uint64_t number) {
  char* const to = room(kMostDigits);
  at_ = std::to_chars(to, to + kMostDigits, number).ptr;
}

void LineWriter::put_milliseconds(Duration duration) {
  const auto count = std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
  const auto microseconds = static_cast<std::uint64_t>(std::max<std::int64_t>(count, 0));
  put_number(microseconds / 1000);
  constexpr std::size_t kFraction = 4;
  char* const to = room(kFraction);
  *to = '.';
  at_ = write_three_digits(to + 1, microseconds % 1000);
}

void LogTime::split(WallTime time) {
  const auto second = std::chrono::floor<std::chrono::seconds>(time);
  if (second.time_since_epoch().count() == second_) return;
  second_ = second.time_since_epoch().count();
  iso_ = std::format("{:%FT%T}.000Z", second);
  combined_ = std::format("{:%d/%b/%Y:%T} +0000", second);
  w3c_ = std::format("{:%F %T}", second);
  local_.clear();
}

std::string_view LogTime::iso(WallTime time) {
  split(time);
  const auto milliseconds =
      std::chrono::floor<std::chrono::milliseconds>(time).time_since_epoch().count() - second_ * 1000;
  constexpr std::size_t kBehindTheSecond = 4;
  write_three_digits(iso_.data() + iso_.size() - kBehindTheSecond, static_cast<std::uint64_t>(milliseconds));
  return iso_;
}

std::string_view LogTime::combined(WallTime time) {
  split(time);
  return combined_;
}

std::string_view LogTime::w3c(WallTime time) {
  split(time);
  return w3c_;
}

std::string_view LogTime::local(WallTime time) {
  split(time);
  if (local_.empty()) {
    const std::time_t second = second_;
    std::tm parts{};
    localtime_r(&second, &parts);
    local_ = std::format("{:02}:{:02}:{:02}", parts.tm_hour, parts.tm_min, parts.tm_sec);
  }
  return local_;
}

}  // namespace gatehouse::log_text
