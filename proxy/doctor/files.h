// Where gatehouse must be able to write: log files, the state directory, the control socket, the output of apps; and
// what nobody else should: the configuration. Looks and changes nothing; judgements are pure. Main thread of a
// short-lived process.
#pragma once

#include <string>

#include "config/config.h"
#include "config/sources.h"
#include "proxy/doctor/finding.h"

namespace gatehouse::doctor {

struct PathFacts {
  // How the message calls it: "the access log".
  std::string what;
  // Of a file or a folder.
  std::string path;
  // The path itself where it is there, else the folder above that it would be made in.
  std::string looked_at;
  // The errno of writing there; 0 if it can be written.
  int error = 0;
};

// A file, which a start makes if its folder is there. EISDIR where the path is a folder.
PathFacts look_at_file(std::string what, const std::string& path);
// A folder, which a start makes with those above it. ENOTDIR where something else stands in the way.
PathFacts look_at_folder(std::string what, const std::string& path);
// A problem with what to do about it, or fine.
Finding judge_path(const PathFacts& facts);

// Whether every user may change a file of the configuration.
Findings check_sources(const config::Sources& sources);
// All places that this configuration writes to.
Findings check_files(const config::Config& config);

}  // namespace gatehouse::doctor
