// The manual page gatehouse(1) in mdoc(7), made from the outline of the command line: what `--help` says is what the
// page says. Pure, but for the day that stands in it: today, or that of SOURCE_DATE_EPOCH.
#pragma once

#include <string>
#include <vector>

#include "proxy/cli/outline.h"

namespace gatehouse {

// The whole page. `commands` is what outline_of() returns: the program itself comes first.
std::string manual_page(const std::vector<CommandOutline>& commands);

}  // namespace gatehouse
