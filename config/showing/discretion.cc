#include "config/showing/discretion.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <vector>

#include "common/text.h"

namespace gatehouse::config {

namespace {

constexpr std::size_t kShortestRandom = 20;
constexpr std::array<std::string_view, 12> kWords{"password",   "passwd",   "pwd",    "passphrase",
                                                  "secret",     "token",    "apikey", "cookie",
                                                  "credential", "authoriz", "bearer", "environment"};

// Which bytes are to be covered.
using Cover = std::vector<bool>;

void cover(Cover& covered, std::size_t from, std::size_t to) {
  std::fill(covered.begin() + static_cast<std::ptrdiff_t>(from), covered.begin() + static_cast<std::ptrdiff_t>(to),
            true);
}

bool speaks_of_secrets(std::string_view line) {
  std::string letters = text::lower(line);
  std::erase_if(letters, [](char c) { return c == '_' || c == '-'; });
  return std::ranges::any_of(kWords, [&](std::string_view word) { return letters.contains(word); });
}

// Behind the string that begins at `at`, its closing quote, or the end of the line.
std::size_t end_of_string(std::string_view line, std::size_t at) {
  const char quote = line[at];
  for (std::size_t i = at + 1; i < line.size(); ++i) {
    if (line[i] == '\\' && quote == '"') {
      ++i;
    } else if (line[i] == quote) {
      return i;
    }
  }
  return line.size();
}

bool is_key(std::string_view behind) {
  const std::size_t next = behind.find_first_not_of(" \t");
  return next != std::string_view::npos && (behind[next] == '=' || behind[next] == '.');
}

void cover_values(std::string_view line, Cover& covered) {
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '#') return;
    if (line[i] != '"' && line[i] != '\'') continue;
    const std::size_t end = end_of_string(line, i);
    if (!is_key(line.substr(std::min(end + 1, line.size())))) cover(covered, i + 1, end);
    i = end;
  }
}

void cover_userinfo(std::string_view line, Cover& covered) {
  for (std::size_t at = line.find("://"); at != std::string_view::npos; at = line.find("://", at + 1)) {
    const std::size_t begin = at + 3;
    const std::size_t end = line.find_first_of("@/\"' ", begin);
    if (end != std::string_view::npos && line[end] == '@') cover(covered, begin, end);
  }
}

void cover_random(std::string_view line, Cover& covered) {
  const auto belongs = [](char c) { return text::is_letter_or_digit(c) || c == '+' || c == '_' || c == '-'; };
  for (std::size_t i = 0; i < line.size();) {
    std::size_t end = i;
    while (end < line.size() && belongs(line[end])) ++end;
    const std::string_view run = line.substr(i, end - i);
    const bool mixed = std::ranges::any_of(run, text::is_digit) &&
                       std::ranges::any_of(run, [](char c) { return c >= 'a' && c <= 'z'; }) &&
                       std::ranges::any_of(run, [](char c) { return c >= 'A' && c <= 'Z'; });
    if (run.size() >= kShortestRandom && mixed) cover(covered, i, end);
    i = end + 1;
  }
}

}  // namespace

std::string without_secrets(std::string_view line) {
  Cover covered(line.size(), false);
  if (speaks_of_secrets(line)) cover_values(line, covered);
  cover_userinfo(line, covered);
  cover_random(line, covered);
  std::string out;
  for (std::size_t i = 0; i < line.size();) {
    const std::size_t length = std::max<std::size_t>(text::utf8_length(line.substr(i)), 1);
    out += covered[i] ? std::string_view("*") : line.substr(i, length);
    i += length;
  }
  return out;
}

}  // namespace gatehouse::config
