// Users and groups by their names, for keys that say who something runs as. Asks the system (its databases and plug-ins), which
// may ask another machine and take long; validation only, any thread.
#pragma once

#include <sys/types.h>

#include <string>

#include "common/result.h"

namespace gatehouse::config {

// Returns the user's number. The error is "there is no user NAME", with the system's words if the look-up failed.
Result<uid_t> uid_of(const std::string& name);
// Likewise the number of a group.
Result<gid_t> gid_of(const std::string& name);

}  // namespace gatehouse::config
