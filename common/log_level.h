// How grave a line of the program's log is. Apart from log.h, so that a configuration can name a level without all that
// it takes to write a line.
#pragma once

namespace gatehouse::log {

enum class Level { kError, kWarn, kInfo, kDebug };

}  // namespace gatehouse::log
