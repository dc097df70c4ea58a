// The environment of a process: what of ours is harmless and useful, then the file, then the configuration, then what
// the transport adds; the later wins. Our own secrets, LD_PRELOAD and the like never reach an app. Pure but for our
// environment and, where it says so, the file.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "common/result.h"
#include "proxy/apps/app_spec.h"
#include "proxy/apps/files/app_file.h"

namespace gatehouse {

using Environment = std::vector<std::pair<std::string, std::string>>;

// The lines NAME=value of an environment file; # begins a comment line, quotes around a value are taken off.
Result<Environment> parse_environment(const std::string& text);

// What an environment file says; "" is none. Reads it: on a FileThread.
Result<Environment> environment_from_file(const std::string& path, const AppUser& user);

// "NAME=value" for each variable of a process that runs as `user`, of which `from_file` is what its file says.
std::vector<std::string> environment_of(const AppSpec::Process& process, const AppUser& user,
                                        const Environment& from_file, const Environment& added);

}  // namespace gatehouse
