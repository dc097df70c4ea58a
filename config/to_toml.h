// A configuration as the TOML that would read to it, for `--print-config`: only what differs from the defaults, in the
// order of reference.toml. parse(to_toml(c)) gives c again, locations and comments apart. Pure.
#pragma once

#include <string>

#include "config/config.h"

namespace gatehouse::config {

std::string to_toml(const Config& config);

}  // namespace gatehouse::config
