// The program's log (not the access log), on spdlog: error (someone must act), warn, info, debug. What a client or an
// endpoint can cause is at most info, and limited by its kind (log_limit.h). Any thread may log. Control characters in
// a message are escaped, so that one message is one line.
//
//   before configure()    written at once to standard error, by the thread that logs
//   after it              handed to a thread of the log's own (LogWriter), so that nobody waits for who reads them;
//                         what is too much is dropped, counted, and told once there is room again
//   in a child of fork()  written at once, or not at all if that would block: there is no such thread
//
// At the end of the process and before abort() what waits gets a second to come out.
#pragma once

#include <cstdint>
#include <string>

#include <spdlog/spdlog.h>

#include "common/log_level.h"
#include "common/result.h"

namespace gatehouse::log {

// Sends lines of `level` and graver to `output` from now on: "stderr", "stdout", "journal" (stderr, with the priority
// prefixes of sd-daemon(3)), or the path of a file, which is appended to. If that cannot be opened nothing changes, and
// the error says why. REQUIRES: the first call comes before there are other threads
Result<> configure(Level level, const std::string& output);
// After rotation: the file is opened again by its name before the next line is written. Does nothing for the other
// outputs. A file that cannot be opened again is an error in the log, which goes on in the old one.
void reopen();
// Waits until no line waits any more, each being written or dropped; for a second at most.
void flush();

// Lines since the first configure().
struct Counts {
  std::uint64_t written = 0;
  std::uint64_t dropped = 0;
};
Counts counts();

using spdlog::debug;
using spdlog::error;
using spdlog::info;
using spdlog::warn;

}  // namespace gatehouse::log
