// The files of the status page, embedded when the program is built: what is in proxy/admin/status/ is what is served.
// Constant, any thread.
#pragma once

#include <span>
#include <string_view>

namespace gatehouse {

struct StatusAsset {
  // What follows /status/ in its path: "page.html".
  std::string_view name;
  std::string_view bytes;
};

// All files. The views are of constants. The source of this function is written by status/embed.cmake.
std::span<const StatusAsset> status_assets();

}  // namespace gatehouse
