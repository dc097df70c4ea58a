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

bool iequals(std::string_view a, std::string_view b);
std::string lower(std::string_view text);
std::string_view trim(std::string_view text);  // spaces and tabs at both ends
// Decimal digits only, no sign, no overflow, not empty.
std::optional<std::uint64_t> parse_decimal(std::string_view text);
std::string html_escaped(std::string_view text);
void append_json_string(std::string& out, std::string_view value);  // quoted and escaped; invalid UTF-8 becomes U+FFFD
std::string base64(std::string_view bytes);
std::string hex(std::string_view bytes);
std::string joined(std::span<const std::string> words, std::string_view between);
// Length of the well-formed UTF-8 sequence (Unicode table 3-7) at the front of `text`, 0 if there is none.
std::size_t utf8_length(std::string_view text);
// The candidate nearest to `word` by edit distance, if it is near enough to be meant; empty otherwise.
std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace gatehouse::text
