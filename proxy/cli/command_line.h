// The command line: what a user types becomes one call. Exit codes: 0 fine, 1 bad configuration or runtime failure, 2
// bad command line. Main thread; main() calls it, and no other thread runs yet.
#pragma once

namespace gatehouse {

// Does what was typed and returns the exit code. With `run`, `proxy` or `host` it returns when the server has ended.
int run_command_line(int argc, const char* const* argv);

}  // namespace gatehouse
