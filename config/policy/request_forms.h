// The forms of host names and paths in which requests are matched: whoever names a host or a path to match writes them
// so. Pure.
#pragma once

#include <string>
#include <string_view>

#include "common/result.h"

namespace gatehouse {

// Whether it is a name of letters, digits, "-" and "_" by labels, without a dot at the end.
bool is_host_name(std::string_view name);

// The canonical form of one segment of a path, or why it has none: what a request is matched by (proxy/http/target.h).
Result<std::string> canonical_segment(std::string_view segment);
// Likewise of a path that begins with a slash: without empty segments, "." and "..", and without a trailing slash but
// of "/" itself.
Result<std::string> canonical_path(std::string_view path);

}  // namespace gatehouse
