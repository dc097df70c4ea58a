#include "proxy/observe/log_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <ctime>
#include <format>

#include "common/text.h"

namespace gatehouse::log_text {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

unsigned char byte_at(std::string_view text, std::size_t index) {
  return static_cast<unsigned char>(text[index]);
}

void append_hex(std::string& line, std::string_view prefix, unsigned char byte) {
  line += prefix;
  line += kHexDigits[byte >> 4];
  line += kHexDigits[byte & 0x0F];
}

void append_ascii(std::string& line, char c, Style style) {
  const auto byte = static_cast<unsigned char>(c);
  if (byte < 0x20 || byte == 0x7F) {
    append_hex(line, style == Style::kJson ? "\\u00" : "\\x", byte);
  } else if (c == '"' || c == '\\') {
    if (style == Style::kJson) {
      line += '\\';
      line += c;
    } else {
      append_hex(line, "\\x", byte);
    }
  } else if (c == ' ' && style == Style::kWord) {
    line += '+';
  } else {
    line += c;
  }
}

bool plain(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte > 0x20 && byte < 0x7F && c != '"' && c != '\\';
}

void append_padded(std::string& line, std::uint64_t number, std::size_t digits) {
  std::array<char, 20> text{};
  const auto end = std::to_chars(text.begin(), text.end(), number).ptr;
  const auto length = static_cast<std::size_t>(end - text.begin());
  if (length < digits) line.append(digits - length, '0');
  line.append(text.data(), length);
}

}  // namespace

void append_escaped(std::string& line, std::string_view text, Style style) {
  while (!text.empty()) {
    const auto run = std::find_if_not(text.begin(), text.end(), plain) - text.begin();
    line.append(text.substr(0, static_cast<std::size_t>(run)));
    text.remove_prefix(static_cast<std::size_t>(run));
    if (text.empty()) return;
    if (byte_at(text, 0) < 0x80) {
      append_ascii(line, text.front(), style);
      text.remove_prefix(1);
      continue;
    }
    const std::size_t length = text::utf8_length(text);
    const bool c1_control = length == 2 && byte_at(text, 0) == 0xC2 && byte_at(text, 1) < 0xA0;
    if (length != 0 && !c1_control && style != Style::kAscii) {
      line.append(text.substr(0, length));
    } else if (style != Style::kJson) {
      for (std::size_t i = 0; i < std::max<std::size_t>(length, 1); ++i) append_hex(line, "\\x", byte_at(text, i));
    } else if (c1_control) {
      append_hex(line, "\\u00", byte_at(text, 1));
    } else {
      line += kReplacement;
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
}

void append_number(std::string& line, std::uint64_t number) {
  append_padded(line, number, 1);
}

void append_milliseconds(std::string& line, Duration duration) {
  const auto count = std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
  const auto microseconds = static_cast<std::uint64_t>(std::max<std::int64_t>(count, 0));
  append_number(line, microseconds / 1000);
  line += '.';
  append_padded(line, microseconds % 1000, 3);
}

void LogTime::split(WallTime time) {
  const auto second = std::chrono::floor<std::chrono::seconds>(time);
  if (second.time_since_epoch().count() == second_) return;
  second_ = second.time_since_epoch().count();
  date_ = std::format("{:%F}", second);
  clock_ = std::format("{:%T}", second);
  combined_ = std::format("{:%d/%b/%Y:%T} +0000", second);
  local_.clear();
}

void LogTime::append_iso(std::string& line, WallTime time) {
  split(time);
  const auto milliseconds =
      std::chrono::floor<std::chrono::milliseconds>(time).time_since_epoch().count() - second_ * 1000;
  line += date_;
  line += 'T';
  line += clock_;
  line += '.';
  append_padded(line, static_cast<std::uint64_t>(milliseconds), 3);
  line += 'Z';
}

void LogTime::append_combined(std::string& line, WallTime time) {
  split(time);
  line += combined_;
}

void LogTime::append_w3c(std::string& line, WallTime time) {
  split(time);
  line += date_;
  line += ' ';
  line += clock_;
}

void LogTime::append_local(std::string& line, WallTime time) {
  split(time);
  if (local_.empty()) {
    const std::time_t second = second_;
    std::tm parts{};
    localtime_r(&second, &parts);
    local_ = std::format("{:02}:{:02}:{:02}", parts.tm_hour, parts.tm_min, parts.tm_sec);
  }
  line += local_;
}

}  // namespace gatehouse::log_text
