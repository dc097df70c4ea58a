// `gatehouse check`: whether a configuration can be served, by its text and by what this machine has. Blocks while it
// reads; for the command line's thread.
#pragma once

#include <string>

namespace gatehouse {

// Prints every diagnostic, and that `file` is valid where none is an error. Returns the exit code.
int run_check(const std::string& file);

}  // namespace gatehouse
