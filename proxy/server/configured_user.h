// From the configuration to the rights that the process gives up: who it goes on as, which files go over to that
// user, and which must stay readable for a reload. Called by the Server at the start, once all sockets are bound; the
// control thread, while the workers do nothing yet.
#pragma once

#include "common/result.h"
#include "config/config.h"

namespace gatehouse {

// Becomes the user of [server] for good, as privileges::drop() has it; on an error the process must end. What will be
// out of reach from then on is logged. REQUIRES: `[server] user` is set.
Result<> become_configured_user(const config::Config& config);

}  // namespace gatehouse
