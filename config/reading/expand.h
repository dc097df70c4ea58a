// ${NAME} and ${NAME:-default} in strings of the configuration, from the environment; "$$" is a literal "$", and so is
// a "$" before anything else. What was put in is not expanded again. Reads the environment, changes nothing.
#pragma once

#include <string>
#include <string_view>

#include "common/result.h"
#include "config/veil.h"

namespace gatehouse::config {

// Returns `text` with the variables filled in. The default holds if the variable is unset or empty, and is taken as it
// stands; without a default an unset variable is an error (an empty one is not), as are a "${" without "}" and what is
// no name of a variable. `veil`, if there is one, learns what came from the environment.
Result<std::string> expand(std::string_view text, Veil* veil = nullptr);

}  // namespace gatehouse::config
