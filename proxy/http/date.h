// The Date field (RFC 9110 section 5.6.7, IMF-fixdate), which every answer needs and which changes once a second: the
// text is kept per thread and made anew only when the second is another. Any thread.
#pragma once

#include <string_view>

#include "common/clock.h"

namespace gatehouse {

// "Sun, 06 Nov 1994 08:49:37 GMT". The view is good until the calling thread asks for another second's.
std::string_view http_date(WallTime now);

}  // namespace gatehouse
