// The Date field (RFC 9110 section 5.6.7, IMF-fixdate), formatted once a second and thread. Any thread.
#pragma once

#include <string_view>

#include "common/clock.h"

namespace gatehouse {

// Good until the calling thread asks for another second's.
std::string_view http_date(WallTime now);

}  // namespace gatehouse
