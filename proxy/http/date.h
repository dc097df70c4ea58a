// Dates in fields (RFC 9110 section 5.6.7). Date itself every answer needs, and it changes once a second: the text is
// kept per thread and made anew only when the second is another. Any thread.
#pragma once

#include <optional>
#include <string_view>

#include "common/clock.h"

namespace gatehouse {

// "Sun, 06 Nov 1994 08:49:37 GMT". The view is good until the calling thread asks for another second's.
std::string_view http_date(WallTime now);

// Reads a date in any of the three forms of RFC 9110 section 5.6.7; nothing if it is none of them. A year of two digits
// is one of 1970 to 2069. The case of letters does not matter, as RFC 9111 section 4.2 wants of caches.
std::optional<WallTime> parse_http_date(std::string_view text);

}  // namespace gatehouse
