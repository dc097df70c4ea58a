// The commands that change or show a running process: each finds the instance that is meant, talks to it, and says what
// came of it. Blocking; main thread of a short-lived process. All return exit codes.
#pragma once

#include <chrono>
#include <string_view>

#include "proxy/cli/status.h"
#include "proxy/cli/target.h"

namespace gatehouse {

// reload, drain, app NAME VERB: prints what the process said of it.
int command_running(const Target& target, std::string_view command);

// Returns when the process has ended, and says so; or fails after `patience`. What it waits for is told every five
// seconds.
int stop_running(const Target& target, std::chrono::seconds patience);

// Asks the admin address, or, where only the control socket is known, that.
int show_running(const Target& target, const StatusOptions& options);

}  // namespace gatehouse
