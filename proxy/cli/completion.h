// Completion of the command line in shells: scripts made from its outline, for `gatehouse completion SHELL` and for
// packages. Commands and options are offered with what they do (where the shell shows that), fixed words as values, and
// files for everything else. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "proxy/cli/outline.h"

namespace gatehouse {

// The text that the shell is to source. `commands` is what outline_of() returns: the program itself comes first.
// REQUIRES: `shell` is "bash", "zsh" or "fish".
std::string completion_script(const std::vector<CommandOutline>& commands, std::string_view shell);

}  // namespace gatehouse
