// Guards the TOML parser's stack: it limits nested values, but a key of half a million dots becomes as many nested
// tables, whose destructors recurse. Pure.
#pragma once

#include <optional>
#include <string_view>

namespace gatehouse::config {

// Columns are counted in characters, from 1.
struct TextPosition {
  unsigned line = 1;
  unsigned column = 1;
};

// In one key: more than any key of ours has.
inline constexpr unsigned kMostDots = 8;

// Returns where a key (or table header) of `text` has one dot too many; nothing if none has. Dots in strings and
// comments do not count. The text need not be valid TOML.
std::optional<TextPosition> too_many_dots(std::string_view text);

}  // namespace gatehouse::config
