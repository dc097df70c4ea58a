// The program's log (not the access log), on spdlog: error (someone must act), warn, info, debug. What a client or an
// endpoint can cause is at most info. Any thread; configured once at start and again on reload.
#pragma once

#include <string>

#include <spdlog/spdlog.h>

#include "common/result.h"

namespace gatehouse::log {

enum class Level { kError, kWarn, kInfo, kDebug };

// output: "stderr", "stdout", "journal" (stderr with <N> priority prefixes), or a file path.
Result<> configure(Level level, const std::string& output);
void reopen();  // after rotation: opens the file again; nothing for the others

using spdlog::debug;
using spdlog::error;
using spdlog::info;
using spdlog::warn;

}  // namespace gatehouse::log
