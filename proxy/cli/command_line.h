// The command line: what a user types becomes one call. Exit codes: 0 fine, 1 bad configuration or runtime failure, 2
// bad command line. Main thread.
#pragma once

namespace gatehouse {

int run_command_line(int argc, const char* const* argv);

}  // namespace gatehouse
