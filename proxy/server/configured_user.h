// From the configuration to the rights that the process gives up: who it goes on as, which files go over to that user,
// and which must stay readable for a reload. Start-up only; the control thread, while the workers do nothing yet.
#pragma once

#include "common/result.h"
#include "config/config.h"

namespace gatehouse {

// For good. REQUIRES: `[server] user` is set.
Result<> become_configured_user(const config::Config& config);

}  // namespace gatehouse
