#include "config/reading/nesting.h"

#include <algorithm>
#include <cstddef>

namespace gatehouse::config {

namespace {

// The length of the string that `text` begins with, quotes included. What is unterminated ends with its line (or, with
// triple quotes, the text): the parser stops there, too.
std::size_t string_length(std::string_view text) {
  const char quote = text.front();
  const bool triple = text.size() >= 3 && text[1] == quote && text[2] == quote;
  const std::size_t quotes = triple ? 3 : 1;
  for (std::size_t i = quotes; i < text.size(); ++i) {
    if (text[i] == '\\' && quote == '"') {
      ++i;
    } else if (!triple && text[i] == '\n') {
      return i;
    } else if (text[i] == quote && (!triple || (text.substr(i).starts_with(text.substr(0, 3))))) {
      return i + quotes;
    }
  }
  return text.size();
}

TextPosition position_of(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, offset);
  const std::size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
  const auto starts_character = [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; };
  return {.line = static_cast<unsigned>(std::ranges::count(before, '\n')) + 1,
          .column = static_cast<unsigned>(std::ranges::count_if(before.substr(line_start), starts_character)) + 1};
}

}  // namespace

std::optional<TextPosition> too_many_dots(std::string_view text) {
  constexpr std::string_view kEndsOfKeys = "=,{}[]\n";
  unsigned dots = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"' || c == '\'') {
      i += string_length(text.substr(i)) - 1;
    } else if (c == '#') {
      i = std::min(text.find('\n', i), text.size()) - 1;
    } else if (kEndsOfKeys.contains(c)) {
      dots = 0;
    } else if (c == '.' && ++dots > kMostDots) {
      return position_of(text, i);
    }
  }
  return std::nullopt;
}

}  // namespace gatehouse::config
