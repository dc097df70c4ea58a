// The environment of a process: what of ours is harmless and useful, or asked for by name, then who its user is, then
// the file, then the configuration, then what the transport adds; the later wins. Our own secrets, LD_PRELOAD and the
// like reach an app only if its `environment_from` names them. Functions without state: environment_of() reads our environment and is the control thread's, the file is
// read on a FileThread.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "common/result.h"
#include "proxy/apps/app_spec.h"
#include "proxy/apps/files/app_file.h"

namespace gatehouse {

// Names and values, in order. A name may be there twice; the later one counts.
using Environment = std::vector<std::pair<std::string, std::string>>;

// The lines NAME=value of an environment file. Lines that begin with # and empty ones are skipped; a byte order mark,
// `export ` before a name and quotes around a value are taken off. The first line that is none of this is the error, by its number.
Result<Environment> parse_environment(const std::string& text);

// What an environment file of at most 1 MiB says, read as `user` may read it; an empty path is none. May block, so it
// is called on a FileThread. Errors name the file.
Result<Environment> environment_from_file(const std::string& path, const AppUser& user);

// "NAME=value" for each variable of a process that runs as `user`, sorted by name. `from_file` is what its file says,
// `added` what the transport and the profile add. There is always a PATH.
std::vector<std::string> environment_of(const AppSpec::Process& process, const AppUser& user,
                                        const Environment& from_file, const Environment& added);

}  // namespace gatehouse
