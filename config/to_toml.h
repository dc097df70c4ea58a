// A configuration as the TOML that would read to it, for `--print-config`: only what differs from the defaults, in the
// order of reference.toml. parse(to_toml(c)) gives c again, but for locations, the veil, and whether a limit of one
// client that has its default was written. Pure.
#pragma once

#include <string>

#include "config/config.h"

namespace gatehouse::config {

// Values from the environment are written out, and a "$" in them is doubled, so that reading does not expand it again.
std::string to_toml(const Config& config);

}  // namespace gatehouse::config
