#include "config/veil.h"

#include <algorithm>
#include <utility>

#include "config/quoting.h"

namespace gatehouse::config {

namespace {

constexpr std::size_t kShortest = 4;
constexpr std::string_view kCut = "\"...";  // behind what in_quotes() did not write to its end

}  // namespace

void Veil::add(std::string_view name, std::string_view value) {
  if (value.size() < kShortest) return;
  hide(std::string(value), name);
  const std::string quoted = toml_string(value);
  hide(quoted.substr(1, quoted.size() - 2), name);
}

void Veil::hide(std::string text, std::string_view name) {
  if (std::ranges::contains(hidden_, text, &Hidden::text)) return;
  hidden_.push_back({.text = std::move(text), .name = std::string(name)});
}

std::string Veil::over(std::string_view message) const {
  std::string out;
  while (!message.empty()) {
    const Match match = longest_at(message);
    if (match.hidden == nullptr) {
      out += message.front();
      message.remove_prefix(1);
      continue;
    }
    out.append("${").append(match.hidden->name).append("}");
    message.remove_prefix(match.length);
  }
  return out;
}

Veil::Match Veil::longest_at(std::string_view rest) const {
  Match longest;
  for (const Hidden& hidden : hidden_) {
    const auto end = std::ranges::mismatch(rest, hidden.text).in1;
    const auto common = static_cast<std::size_t>(end - rest.begin());
    const bool whole = common == hidden.text.size();
    if (!whole && (common < kShortest || !rest.substr(common).starts_with(kCut))) continue;
    if (common > longest.length) longest = {.hidden = &hidden, .length = common};
  }
  return longest;
}

}  // namespace gatehouse::config
