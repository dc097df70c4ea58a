// `gatehouse status`: what a running process says of itself, as a table, once or each second, or as JSON. Blocking;
// main thread of a short-lived process.
#pragma once

#include <functional>
#include <string>

#include "common/result.h"

namespace gatehouse {

struct StatusOptions {
  // Again each second, until interrupted; a process that does not answer is waited for.
  bool watch = false;
  // As the process says it, not as a table; not together with `watch`.
  bool json = false;
};

// Asks a process for what /status.json has.
using StatusSource = std::function<Result<std::string>()>;

// Prints what `source` says to standard output. Colours only where that is a terminal that can show them and NO_COLOR
// (no-color.org) is not set. The error says why nothing could be shown; with `watch` there is none.
Result<> show_status(const StatusSource& source, const StatusOptions& options);

}  // namespace gatehouse
