// The parts of a configuration that are about files which are sent to clients: those of a route, and those that endpoints
// may name in place of an answer. Plain values, as in config.h.
#pragma once

#include <string>
#include <vector>

namespace gatehouse::config {

// files = "FOLDER", with try, index and follow_links
struct Files {
  std::string folder;                                      // absolute
  std::vector<std::string> attempts{"{path}", "{path}/"};  // `try`: where a file is looked for, in this order
  std::vector<std::string> index{"index.html"};            // names of files that show a folder
  bool follow_links = false;                               // those below the folder, wherever they lead
};

// send_file = ["FOLDER", { prefix = "/PREFIX/", folder = "FOLDER" }]: which files endpoints may have sent for them. Folders
// are absolute.
struct SendFile {
  struct Place {
    std::string prefix;  // begins and ends with a slash; decoded
    std::string folder;
  };
  std::vector<std::string> folders;  // for X-Sendfile
  std::vector<Place> places;         // for X-Accel-Redirect
};

}  // namespace gatehouse::config
