// `gatehouse status`: what a running process says of itself, as a table, once or each second, or as JSON. Blocking;
// main thread of a short-lived process.
#pragma once

#include "common/address.h"
#include "common/result.h"

namespace gatehouse {

struct StatusOptions {
  bool watch = false;  // until interrupted; a process that does not answer is waited for
  bool json = false;   // verbatim
};

// Prints to standard output. Colours only where that is a terminal and NO_COLOR (no-color.org) is not set.
Result<> show_status(const Address& admin, const StatusOptions& options);

}  // namespace gatehouse
