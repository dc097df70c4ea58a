#include "proxy/http/h1/h1_target.h"

#include "proxy/http/char_classes.h"
#include "proxy/http/h1/h1_scan.h"

namespace gatehouse {

namespace {

// RFC 3986 section 3.2, and what userinfo may hold.
constexpr char_classes::Table kAuthorityBytes = char_classes::table_of("-_.!~*'()%;:&=+$,[]", true);

constexpr bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

}  // namespace

const char* H1Target::read(const char* at, const char* end) {
  while (at != end && part_ != Part::kRest) {
    if (!take(*at)) return at;
    ++at;
  }
  return h1_scan::past_visible(at, end);
}

// A byte that is refused changes nothing, so that may_end() speaks of what stands before it.
bool H1Target::take(char c) {
  if (static_cast<unsigned char>(c) >= 0x80) return true;
  switch (part_) {
    case Part::kStart:
      if (is_letter(c)) return go_on_in(Part::kScheme);
      return (c == '/' || c == '*') && go_on_in(Part::kRest);
    case Part::kScheme:
      return is_letter(c) || (c == ':' && go_on_in(Part::kColon));
    case Part::kColon:
      return c == '/' && go_on_in(Part::kSlash);
    case Part::kSlash:
      return c == '/' && go_on_in(Part::kAuthority);
    default:
      break;
  }
  if (c == '/' || c == '?') return go_on_in(Part::kRest);
  if (c == '@') return part_ != Part::kAfterAt && go_on_in(Part::kAfterAt);
  return char_classes::in(kAuthorityBytes, c) && go_on_in(Part::kAuthority);
}

bool H1Target::go_on_in(Part part) {
  part_ = part;
  return true;
}

}  // namespace gatehouse
