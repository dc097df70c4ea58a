// Which bytes may stand where in HTTP: classes of characters as tables that the compiler fills, and a search for
// control bytes that looks at eight bytes at once. Shared by the reading and the writing side, so that they cannot
// disagree. Pure, any thread.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "common/text.h"

namespace gatehouse::char_classes {

// Indexed by the byte as unsigned char.
using Table = std::array<bool, 256>;

// Makes the class of the characters in `others`, with the ASCII letters and digits if `letters_and_digits`.
consteval Table table_of(std::string_view others, bool letters_and_digits) {
  Table table{};
  for (const char c : others) table[static_cast<unsigned char>(c)] = true;
  for (std::size_t c = 0; letters_and_digits && c < 128; ++c) {
    if (text::is_letter_or_digit(static_cast<char>(c))) table[c] = true;
  }
  return table;
}

// What a method and the name of a field consist of (RFC 9110 section 5.6.2).
inline constexpr Table kToken = table_of("!#$%&'*+-.^_`|~", true);
// Characters whose escape means the same as the character (RFC 3986 section 2.3).
inline constexpr Table kUnreserved = table_of("-._~", true);
// What a path may hold (RFC 3986 section 3.3), and brackets, which browsers send raw.
inline constexpr Table kPath = table_of("-._~!$&'()*+,;=:@/%[]", true);
// What the labels of a host name and the dots between them are made of. DNS host names have no underscore, but names
// in use do.
inline constexpr Table kHostName = table_of("-._", true);

constexpr bool in(const Table& table, char c) {
  return table[static_cast<unsigned char>(c)];
}

// Also true for an empty text.
constexpr bool all_in(const Table& table, std::string_view text) {
  for (const char c : text) {
    if (!in(table, c)) return false;
  }
  return true;
}

// A method, or the name of a field (RFC 9110 section 5.6.2): not empty.
constexpr bool is_token(std::string_view text) {
  return !text.empty() && all_in(kToken, text);
}

constexpr bool has_upper_case(std::string_view text) {
  for (const char c : text) {
    if (c >= 'A' && c <= 'Z') return true;
  }
  return false;
}

// Whether `is_it` says so of any eight bytes of the text, which has as many at least. It gets their place and the word that
// they make; the last ones may overlap those before.
template <class IsIt>
bool any_word(std::string_view text, IsIt is_it) {
  const char* const last = text.data() + text.size() - sizeof(std::uint64_t);
  for (const char* at = text.data();; at = std::min(at + sizeof(std::uint64_t), last)) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, sizeof(word));
    if (is_it(at, word)) return true;
    if (at == last) return false;
  }
}

// Whether there is a control byte other than a tab: one that could end a line, a string, or worse. Bytes from 0x80 on
// are none (obs-text, RFC 9110 section 5.5).
inline bool has_control(std::string_view text) {
  constexpr std::uint64_t kOnes = 0x0101010101010101;
  constexpr std::uint64_t kHighs = 0x8080808080808080;
  const auto slow = [](std::string_view part) {
    for (const char c : part) {
      const auto byte = static_cast<unsigned char>(c);
      if ((byte < 0x20 && byte != '\t') || byte == 0x7f) return true;
    }
    return false;
  };
  if (text.size() < sizeof(std::uint64_t)) return slow(text);
  // A tab is looked at again.
  return any_word(text, [&slow](const char* at, std::uint64_t word) {
    const std::uint64_t below_space = (word - kOnes * 0x20) & ~word & kHighs;
    const std::uint64_t no_delete = word ^ (kOnes * 0x7f);
    const std::uint64_t deletes = (no_delete - kOnes) & ~no_delete & kHighs;
    return (below_space | deletes) != 0 && slow({at, sizeof(word)});
  });
}

// Whether there is a byte from 0x80 on.
inline bool has_high_byte(std::string_view text) {
  constexpr std::uint64_t kHighs = 0x8080808080808080;
  if (text.size() >= sizeof(std::uint64_t)) {
    return any_word(text, [](const char* /*at*/, std::uint64_t word) { return (word & kHighs) != 0; });
  }
  return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
}

}  // namespace gatehouse::char_classes
