// The web.config of a published ASP.NET Core application, as far as it says how its process is to be run: one App with
// the profile for such applications, and a warning for each thing that has no meaning here. Reads the file and looks
// for the programs that it names; changes nothing. Start-up only.
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
  std::optional<App> app;                // without a name; only if there is no error
  std::optional<milliseconds> response;  // requestTimeout
  std::vector<Diagnostic> diagnostics;   // places are those of elements and attributes
};

bool has_web_config(const std::string& folder);

// Of `folder`/web.config; Windows paths in it are made ours, relative to `folder`, which is absolute.
WebConfig read_web_config(const std::string& folder);

// As above, but of `text` as if it were that file.
WebConfig parse_web_config(std::string_view text, const std::string& folder);

}  // namespace gatehouse::config
