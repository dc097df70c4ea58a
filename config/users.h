// Users by their names, for keys that say who something runs as. Asks the system (its databases and plug-ins); start-up
// and validation only, any thread.
#pragma once

#include <sys/types.h>

#include <string>

#include "common/result.h"

namespace gatehouse::config {

// "there is no user NAME", or why it could not be looked up.
Result<uid_t> uid_of(const std::string& name);

}  // namespace gatehouse::config
