// How grave a line of the program's log is; a value. It stands apart from log.h, so that a configuration can name a
// level without all that it takes to write a line.
#pragma once

namespace gatehouse::log {

// From the gravest on; a log of one level has the lines of those before it too. kError: someone must act.
enum class Level { kError, kWarn, kInfo, kDebug };

}  // namespace gatehouse::log
