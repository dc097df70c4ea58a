#include "proxy/http/disguise.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "proxy/http/char_classes.h"

namespace gatehouse::disguise {

namespace {

constexpr char_classes::Table kPlain = char_classes::table_of("-", true);
constexpr std::size_t kLongestKnown = 32;  // no name with an id is longer

}  // namespace

bool is_plain(std::string_view name) {
  return char_classes::all_in(kPlain, name);
}

bool begins_with(std::string_view name, std::string_view prefix) {
  if (name.size() < prefix.size()) return false;
  for (std::size_t i = 0; i < prefix.size(); ++i) {
    if (folded(name[i]) != folded(prefix[i])) return false;
  }
  return true;
}

std::strong_ordering order(std::string_view a, std::string_view b) {
  const std::size_t common = std::min(a.size(), b.size());
  for (std::size_t i = 0; i < common; ++i) {
    if (const auto result = folded(a[i]) <=> folded(b[i]); result != 0) return result;
  }
  return a.size() <=> b.size();
}

FieldName passes_for(std::string_view name) {
  if (name.size() > kLongestKnown || is_plain(name)) return FieldName::kOther;
  std::array<char, kLongestKnown> plain;
  std::ranges::transform(name, plain.begin(), folded);
  return field_name({plain.data(), name.size()});
}

}  // namespace gatehouse::disguise
