// Files of apps as a start will find them: read with the rights of the app's user, which may be less than root's, who
// asks. For `gatehouse check` and `gatehouse doctor`. Main thread of a short-lived process: a disk may take its time.
#pragma once

#include <vector>

#include "config/config.h"
#include "config/diagnostic.h"

namespace gatehouse::doctor {

// One error for each app whose environment file its user cannot read, or that has lines which set no variable. Errors
// only, and none of those that config::validate_apps() has found: a file that we cannot read ourselves and a user
// that does not exist are passed over.
std::vector<config::Diagnostic> check_app_files(const config::Config& config);

}  // namespace gatehouse::doctor
