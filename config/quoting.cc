#include "config/quoting.h"

#include <algorithm>
#include <cstddef>
#include <format>

#include "common/text.h"

namespace gatehouse::config {

namespace {

constexpr std::size_t kLongestQuote = 80;
constexpr std::string_view kReplacement = "\uFFFD";

bool continues_character(char c) {
  return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
}

void append_escaped(std::string& out, char c) {
  const auto byte = static_cast<unsigned char>(c);
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      break;
  }
  if (byte < 0x20 || byte == 0x7F) {
    out += std::format("\\u{:04X}", byte);
  } else {
    out += c;
  }
}

}  // namespace

std::string toml_string(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const std::size_t length = text::utf8_length(text);
    if (length == 1) {
      append_escaped(out, text.front());
    } else {
      out += length == 0 ? kReplacement : text.substr(0, length);
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return out += '"';
}

std::string in_quotes(std::string_view text) {
  if (text.size() <= kLongestQuote) return toml_string(text);
  std::size_t end = kLongestQuote;
  while (end > 0 && continues_character(text[end])) --end;
  return toml_string(text.substr(0, end)) + "...";
}

std::string one_of(std::span<const std::string_view> words) {
  std::string out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) out += i + 1 == words.size() ? " or " : ", ";
    out += in_quotes(words[i]);
  }
  return out;
}

}  // namespace gatehouse::config
