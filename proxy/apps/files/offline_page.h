// The page that takes an app offline while it is there, as a file that an operator or a deployment puts into its
// folder: what is answered instead, with the type that its name says. Values; read on a FileThread.
#pragma once

#include <optional>
#include <string>

#include "proxy/apps/files/app_file.h"

namespace gatehouse {

struct OfflinePage {
  // What the file says, up to 1 MiB of it.
  std::string body;
  // The media type that its ending says; "text/plain; charset=utf-8" for an ending that is not known.
  std::string type;
  friend bool operator==(const OfflinePage&, const OfflinePage&) = default;
};

// Nothing if there is no such regular file, as far as `user` can see, or the path is empty. One that is there but
// cannot be read counts, with an empty body. May block.
std::optional<OfflinePage> offline_page(const std::string& path, const AppUser& user);

// The file in the folder of `path` whose name is that of `path` but for the case of letters, as tools for Windows write
// it; `path` itself if it is there, or if there is none. May block.
std::string in_any_case(const std::string& path, const AppUser& user);

}  // namespace gatehouse
