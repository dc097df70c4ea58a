// The files that a configuration was read from, as they were when it was read: for what is shown of them beside a
// diagnostic, and for whoever waits for them to change. A value, owned with the Loaded; any thread.
#pragma once

#include <string>
#include <vector>

#include "config/veil.h"

namespace gatehouse::config {

struct Sources {
  struct File {
    std::string name;
    std::string text;
  };
  // In the order of reading: what was named first, behind each the files that it includes.
  std::vector<File> files;
  // The patterns of `include`, absolute: files that match them later belong to the configuration too.
  std::vector<std::string> patterns;
  // Over what came from the environment, even if no configuration came of it.
  Veil veil;
};

}  // namespace gatehouse::config
