#include "config/reading/expand.h"

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <format>

#include "common/text.h"
#include "config/quoting.h"

namespace gatehouse::config {

namespace {

bool is_name_character(char c) {
  return text::is_letter_or_digit(c) || c == '_';
}

bool is_variable_name(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, is_name_character) && !text::is_digit(name.front());
}

// `inside` is what stands between the braces.
Result<std::string> variable(std::string_view inside, Veil* veil) {
  const std::size_t separator = inside.find(":-");
  const std::string name(inside.substr(0, separator));
  if (!is_variable_name(name)) {
    return failure(std::format("{} is no name of an environment variable; write $$ for a literal $", in_quotes(name)));
  }
  const char* const value = std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe): nobody here sets variables
  if (separator != std::string_view::npos && (value == nullptr || *value == '\0')) {
    return std::string(inside.substr(separator + 2));
  }
  if (value == nullptr) {
    return failure(
        std::format("the environment variable {} is not set; ${{{}:-default}} would give it a default", name, name));
  }
  if (veil != nullptr) veil->add(name, value);
  return value;
}

}  // namespace

Result<std::string> expand(std::string_view text, Veil* veil) {
  std::string out;
  std::size_t at = 0;
  while (true) {
    const std::size_t dollar = text.find('$', at);
    out += text.substr(at, dollar - at);
    if (dollar == std::string_view::npos) return out;
    const char next = dollar + 1 < text.size() ? text[dollar + 1] : '\0';
    if (next == '{') {
      const std::size_t end = text.find('}', dollar);
      if (end == std::string_view::npos) return failure("\"${\" without a closing \"}\"; write $$ for a literal $");
      auto value = variable(text.substr(dollar + 2, end - dollar - 2), veil);
      if (!value) return value;
      out += *value;
      at = end + 1;
    } else {
      out += '$';
      at = dollar + (next == '$' ? 2 : 1);
    }
  }
}

}  // namespace gatehouse::config
