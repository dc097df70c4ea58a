// The page that takes an app offline while it is there, as a file that an operator or a deployment puts into its
// folder: what is answered instead, with the type that its name says. Values, control thread.
#pragma once

#include <optional>
#include <string>

namespace gatehouse {

struct OfflinePage {
  std::string body;  // up to 1 MiB of it
  std::string type;
  friend bool operator==(const OfflinePage&, const OfflinePage&) = default;
};

// Nothing if there is no such file. One that is there but cannot be read counts, with an empty body.
std::optional<OfflinePage> offline_page(const std::string& path);

}  // namespace gatehouse
