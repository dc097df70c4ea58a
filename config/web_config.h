// The web.config of a published ASP.NET Core application, as far as it says how its process is to be run: one App with
// the profile for such applications, and a warning for each thing that has no meaning here. Reads the file and the
// environment, and looks for the programs that it names; changes nothing. For `gatehouse host`, at start and on reload.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "config/diagnostic.h"

namespace gatehouse::config {

struct WebConfig {
  // Without a name; only if there is no error.
  std::optional<App> app;
  // requestTimeout, for timeouts.response.
  std::optional<milliseconds> response;
  // Their places are those of elements and attributes.
  std::vector<Diagnostic> diagnostics;
};

// Whether `folder` has such a file, in whatever case its name is written.
bool has_web_config(const std::string& folder);

// Reads that file, of at most 1 MiB. Windows paths in it are made ours, relative to `folder`. That it is not there or
// cannot be read is a diagnostic. REQUIRES: `folder` is absolute
WebConfig read_web_config(const std::string& folder);

// Reads `text` as if it were that file.
WebConfig parse_web_config(std::string_view text, const std::string& folder);

}  // namespace gatehouse::config
