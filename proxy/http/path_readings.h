// What servers may make of a path that is forwarded as it was sent: some decode it, once or twice, some do not; some
// take backslashes for slashes, or overlong UTF-8 for what it stands for; some drop ";parameters", some merge slashes,
// some resolve dot segments; and each in an order of its own. A path is served only where all of these readings belong to
// the same route, so that it does not matter which of them the endpoint's is. Pure, any thread.
//
//   /x/..%2fadmin   is, besides itself   /x/../admin   and   /admin
//   //admin         is, besides itself   /admin
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/http/fault.h"

namespace gatehouse::target {

// Returns the readings of an origin-form path without its query, in the form in which routes are matched, itself first;
// some may be equal. kUnsafeTarget: one leads above the root, or has a NUL. kAmbiguousPath: there are more than anybody
// needs, whom it would take too long to follow. REQUIRES: settle() has let the path through.
std::expected<std::vector<std::string>, Fault> path_readings(std::string_view path);

}  // namespace gatehouse::target
