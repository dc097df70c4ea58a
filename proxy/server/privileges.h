// How a process that was started by root becomes the user of `[server] user` once its sockets are bound: for good, with
// that user's groups, and with one right kept where the system lets us, that of binding ports below 1024, so that a
// reload may add a listener. Its own directories, control socket and log files go over to the user. Start-up only; the
// control thread, while the workers do nothing yet.
#pragma once

#include "common/result.h"
#include "config/config.h"

namespace gatehouse::privileges {

// Logs what will be out of reach from then on: keys that a reload must read, folders of logs that are opened again.
Result<> drop(const config::Config& config);

}  // namespace gatehouse::privileges
