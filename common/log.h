// The program's log (not the access log), on spdlog: error (someone must act), warn, info, debug. What a client or an
// endpoint can cause is at most info, and limited by its kind (log_limit.h). Any thread; configured once at start and
// again on reload. From then on a thread of the log's own writes the lines, so that nobody waits for who reads them
// (LogWriter): what is too much is dropped, counted, and told once there is room again. Lines are written where they
// are made before configure(), to standard error, and in a child after fork(), which has no such thread. At the end of
// the process and before abort() what waits gets a second to come out.
#pragma once

#include <cstdint>
#include <string>

#include <spdlog/spdlog.h>

#include "common/log_level.h"
#include "common/result.h"

namespace gatehouse::log {

// output: "stderr", "stdout", "journal" (stderr with <N> priority prefixes), or a file path.
Result<> configure(Level level, const std::string& output);
// After rotation: the file is opened again before the next line is written; nothing for the others.
void reopen();
// Waits until all lines so far are written or dropped, for a second at most.
void flush();

struct Counts {
  std::uint64_t written = 0;  // lines
  std::uint64_t dropped = 0;
};
Counts counts();

using spdlog::debug;
using spdlog::error;
using spdlog::info;
using spdlog::warn;

}  // namespace gatehouse::log
