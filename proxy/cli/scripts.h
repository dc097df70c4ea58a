// The commands that write about the command line itself: `completion SHELL`, and `manual` (hidden) for packages.
// Start-up only.
#pragma once

#include <functional>

namespace CLI {
class App;
}

namespace gatehouse {

// Tells CLI11 of both commands. When one is typed, `chosen` becomes what prints it and returns the exit code. `app`
// and `chosen` outlive the parsing and that call.
void add_scripts(CLI::App& app, std::function<int()>& chosen);

}  // namespace gatehouse
