// The commands that write about the command line itself: `completion SHELL`, and `manual` (hidden) for packages.
// Start-up only.
#pragma once

#include <functional>

namespace CLI {
class App;
}

namespace gatehouse {

// `app` and `chosen`, which gets the command that was typed, outlive the parsing.
void add_scripts(CLI::App& app, std::function<int()>& chosen);

}  // namespace gatehouse
