// Names that differ from another in nothing but their marks. Servers in the manner of CGI give an application
// HTTP_X_REAL_IP for "X-Real-IP" and "X_Real_IP" alike, and some of them for "X.Real.IP" as well, so that a rule about
// a name has to hold for all of its spellings. Pure functions that allocate nothing, any thread.
#pragma once

#include <compare>
#include <string_view>

#include "proxy/http/field_list.h"

namespace gatehouse::disguise {

// One octet of a name as such a server sees it: a letter in lower case, a digit, or one mark for everything else.
constexpr char folded(char c) {
  if (c >= 'A' && c <= 'Z') return static_cast<char>(c - 'A' + 'a');
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ? c : '-';
}

// True if the name has letters, digits and hyphens alone. Only a name that has others can stand for another name.
bool is_plain(std::string_view name);

// Whether such a server takes the beginning of `name` for `prefix`. Neither marks nor the case of letters matter.
bool begins_with(std::string_view name, std::string_view prefix);
// The same for whole names.
inline bool same(std::string_view a, std::string_view b) {
  return a.size() == b.size() && begins_with(a, b);
}
// Orders names as such a server sees them: for sorted tables.
std::strong_ordering order(std::string_view a, std::string_view b);

// Returns the known name that `name` passes for although it is spelled otherwise: kXRealIp for "X_Real_IP", but
// kOther for "X-Real-IP" itself, and where there is none.
FieldName passes_for(std::string_view name);

}  // namespace gatehouse::disguise
