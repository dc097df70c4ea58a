// Where in a file something was written, and files that hold keys, for config.h and what it is made of: so that a
// diagnostic that comes later can still say which line is meant. Values, no thread affinity.
#pragma once

#include <string>

namespace gatehouse::config {

// Line 0 means: not in a file (a default, or made by the command line).
struct Location {
  std::string file;
  unsigned line = 0;
  unsigned column = 0;
};

// A file with keys, or with secrets of another kind.
struct KeyFile {
  std::string path;
  Location location;
};

}  // namespace gatehouse::config
