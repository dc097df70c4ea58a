// Where gatehouse must be able to write: log files, the state directory, the control socket, the output of apps; and
// what nobody else should: the configuration. Looks and changes nothing; judgements are pure. Main thread of a
// short-lived process.
#pragma once

#include <string>

#include "config/config.h"
#include "proxy/doctor/finding.h"

namespace gatehouse::doctor {

struct PathFacts {
  std::string what;       // "the access log"
  std::string path;       // of a file or folder
  std::string looked_at;  // itself, or the nearest folder above that is there
  int error = 0;          // errno of writing there; 0: it can be written
};

PathFacts look_at_file(std::string what, const std::string& path);    // made by us if its folder is there
PathFacts look_at_folder(std::string what, const std::string& path);  // made by us, with those above
Finding judge_path(const PathFacts& facts);

Findings check_files(const config::Config& config);

}  // namespace gatehouse::doctor
