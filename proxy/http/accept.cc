#include "proxy/http/accept.h"

#include <compare>
#include <utility>
#include <vector>

#include "common/text.h"

namespace gatehouse {
namespace {

constexpr int kFullWeight = 1000;  // thousandths, as q has three digits at most

struct Range {
  std::string_view type;
  int weight = 0;
};

// How well a range fits a type: 3 by its name, 2 and 1 by a wildcard, 0 not at all.
int fit(std::string_view range, std::string_view type) {
  if (text::iequals(range, type)) return 3;
  if (range == "*/*") return 1;
  const std::size_t slash = type.find('/') + 1;
  return range.size() == slash + 1 && range.ends_with("/*") &&
                 text::iequals(range.substr(0, slash), type.substr(0, slash))
             ? 2
             : 0;
}

// Takes what stands before the first `separator` that is not in a quoted string.
std::string_view take_first(std::string_view& rest, char separator) {
  bool quoted = false;
  for (std::size_t i = 0; i < rest.size(); ++i) {
    if (quoted && rest[i] == '\\') {
      ++i;
    } else if (rest[i] == '"') {
      quoted = !quoted;
    } else if (rest[i] == separator && !quoted) {
      const std::string_view first = rest.substr(0, i);
      rest.remove_prefix(i + 1);
      return first;
    }
  }
  return std::exchange(rest, {});
}

// RFC 9110 section 12.4.2: "0" or "1", and three digits behind a point at most. Nothing where it is none of these.
std::optional<int> weight_of(std::string_view q) {
  if (q.empty() || q.size() > 5 || (q[0] != '0' && q[0] != '1') || (q.size() > 1 && q[1] != '.')) return std::nullopt;
  int weight = (q[0] - '0') * kFullWeight;
  int worth = kFullWeight / 10;
  for (const char digit : q.substr(q.size() > 1 ? 2 : 1)) {
    if (!text::is_digit(digit)) return std::nullopt;
    weight += (digit - '0') * worth;
    worth /= 10;
  }
  return weight <= kFullWeight ? std::optional(weight) : std::nullopt;
}

// Nothing: its q is none.
std::optional<Range> weighted(std::string_view element) {
  Range range{.type = text::trim(take_first(element, ';')), .weight = kFullWeight};
  while (!element.empty()) {
    const std::string_view parameter = text::trim(take_first(element, ';'));
    if (parameter.size() < 2 || (parameter[0] | ' ') != 'q' || parameter[1] != '=') continue;
    const std::optional<int> weight = weight_of(parameter.substr(2));
    if (!weight) return std::nullopt;
    range.weight = *weight;
  }
  return range;
}

std::optional<Range> range_of(std::string_view element) {
  const std::optional<Range> range = weighted(element);
  return range && range->type.contains('/') ? range : std::nullopt;
}

// What one type is worth to the client; those that are greater are better.
struct Worth {
  int weight = 0;
  int fit = 0;
  // The later the smaller.
  std::ptrdiff_t place = 0;

  friend auto operator<=>(const Worth&, const Worth&) = default;
};

}  // namespace

std::optional<std::size_t> preferred_type(std::string_view accept, std::span<const std::string_view> types) {
  std::vector<Worth> worths(types.size());
  for (std::ptrdiff_t place = 0; !accept.empty(); --place) {
    const std::optional<Range> range = range_of(take_first(accept, ','));
    if (!range) continue;
    for (std::size_t i = 0; i < types.size(); ++i) {
      const int fits = fit(range->type, types[i]);
      if (fits > worths[i].fit) worths[i] = {.weight = range->weight, .fit = fits, .place = fits == 3 ? place : 0};
    }
  }
  std::optional<std::size_t> best;
  for (std::size_t i = 0; i < types.size(); ++i) {
    if (worths[i].weight > 0 && (!best || worths[i] > worths[*best])) best = i;
  }
  return best;
}

int coding_worth(std::string_view accept_encoding, std::string_view coding) {
  std::optional<int> any;
  while (!accept_encoding.empty()) {
    const std::optional<Range> said = weighted(take_first(accept_encoding, ','));
    if (!said) continue;
    const bool old_name = coding == "gzip" && text::iequals(said->type, "x-gzip");
    if (old_name || text::iequals(said->type, coding)) return said->weight;
    if (said->type == "*") any = said->weight;
  }
  return any.value_or(coding == "identity" ? 1 : 0);
}

}  // namespace gatehouse
