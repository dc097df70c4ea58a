// The files of the status page, embedded when the program is built: what is in proxy/admin/status/ is what is served.
// Constant, any thread.
#pragma once

#include <span>
#include <string_view>

namespace gatehouse {

struct StatusAsset {
  std::string_view name;  // "page.html"
  std::string_view bytes;
};

std::span<const StatusAsset> status_assets();

}  // namespace gatehouse
