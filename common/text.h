// Small text functions that several folders need. ASCII only, locale-free, pure, any thread.
// Views that are returned refer to the arguments.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace gatehouse::text {

// Whether they are the same but for the case of letters.
bool iequals(std::string_view a, std::string_view b);
std::string lower(std::string_view text);
// Without the spaces and tabs at both ends.
std::string_view trim(std::string_view text);
// OWS of RFC 9110 section 5.6.3.
constexpr bool is_blank(char c) {
  return c == ' ' || c == '\t';
}
constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
constexpr bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c);
}
// What a hexadecimal digit stands for, of either case; -1: it is none.
constexpr int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}
// The byte that "%XX" at the front of `text` stands for (RFC 3986 section 2.1); -1: there is no such escape.
constexpr int escaped_byte(std::string_view text) {
  if (text.size() < 3 || text.front() != '%') return -1;
  const int high = hex_value(text[1]);
  const int low = hex_value(text[2]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}
// FNV-1a of 64 bits: the same on every machine and in every build.
constexpr std::uint64_t fnv1a(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}
// The number that `text` is in decimal digits; nothing if it is empty, has anything else in it, or overflows.
std::optional<std::uint64_t> parse_decimal(std::string_view text);
// Fit to stand in text and in quoted attributes: &, <, > and both kinds of quotes are escaped.
std::string html_escaped(std::string_view text);
// Appends `value` in quotes and escaped (RFC 8259 section 7). Bytes that are not UTF-8 become U+FFFD.
void append_json_string(std::string& out, std::string_view value);
// With padding (RFC 4648 section 4).
std::string base64(std::string_view bytes);
// What `text` stands for, with padding or without; nothing for what is no base64.
std::optional<std::string> from_base64(std::string_view text);
// In lower case, two digits for each byte.
std::string hex(std::string_view bytes);
std::string joined(std::span<const std::string> words, std::string_view between);
// Adds `item` to a list in words: behind `between`, unless the list is empty yet.
inline void add_to_list(std::string& list, std::string_view item, std::string_view between = ", ") {
  if (!list.empty()) list += between;
  list += item;
}
// Length in bytes of the well-formed UTF-8 sequence (Unicode table 3-7) at the front of `text`, 0 if there is none.
// REQUIRES: `text` is not empty
std::size_t utf8_length(std::string_view text);
// The candidate nearest to `word` by edit distance, if it is near enough to be meant: a third of the letters may be
// wrong, in short words one. Empty otherwise.
std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace gatehouse::text
