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
// The number that `text` is in decimal digits; nothing if it is empty, has anything else in it, or overflows.
std::optional<std::uint64_t> parse_decimal(std::string_view text);
// Fit to stand in text and in quoted attributes: &, <, > and both kinds of quotes are escaped.
std::string html_escaped(std::string_view text);
// Appends `value` in quotes and escaped (RFC 8259 section 7). Bytes that are not UTF-8 become U+FFFD.
void append_json_string(std::string& out, std::string_view value);
// With padding (RFC 4648 section 4).
std::string base64(std::string_view bytes);
// In lower case, two digits for each byte.
std::string hex(std::string_view bytes);
std::string joined(std::span<const std::string> words, std::string_view between);
// Length in bytes of the well-formed UTF-8 sequence (Unicode table 3-7) at the front of `text`, 0 if there is none.
// REQUIRES: `text` is not empty
std::size_t utf8_length(std::string_view text);
// The candidate nearest to `word` by edit distance, if it is near enough to be meant: a third of the letters may be
// wrong, in short words one. Empty otherwise.
std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace gatehouse::text
