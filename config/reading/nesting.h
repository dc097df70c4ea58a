// Guards the TOML parser's stack: it limits nested values, but a key of half a million dots becomes as many nested
// tables, whose destructors recurse. Pure.
#pragma once

#include <optional>
#include <string_view>

namespace gatehouse::config {

struct TextPosition {
  unsigned line = 1;
  unsigned column = 1;  // in characters
};

inline constexpr unsigned kMostDots = 8;

// Where a key (or table header) of `text` has one dot too many; nothing if none has.
std::optional<TextPosition> too_many_dots(std::string_view text);

}  // namespace gatehouse::config
