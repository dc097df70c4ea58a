// The members of a field that is a list (RFC 9110 section 5.6.1): commas part them, but not within a quoted string, and
// empty ones are none. Pure, any thread; views that are returned refer to the arguments.
#pragma once

#include <cstddef>
#include <string_view>
#include <utility>

#include "common/text.h"

namespace gatehouse::cache {

// Takes the next member, without the blanks around it; it may be empty. REQUIRES: `list` is not empty
inline std::string_view take_member(std::string_view& list) {
  bool quoted = false;
  std::size_t end = 0;
  for (; end < list.size() && (quoted || list[end] != ','); ++end) {
    if (list[end] == '"') quoted = !quoted;
    if (list[end] == '\\' && quoted && end + 1 < list.size()) ++end;
  }
  const std::string_view member = text::trim(list.substr(0, end));
  list.remove_prefix(end == list.size() ? end : end + 1);
  return member;
}

// Calls visit(std::string_view) for each member that is not empty.
template <class Visit>
void for_each_member(std::string_view list, Visit&& visit) {
  while (!list.empty()) {
    const std::string_view member = take_member(list);
    if (!member.empty()) visit(member);
  }
}

}  // namespace gatehouse::cache
