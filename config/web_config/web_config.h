// The web.config of a published application, as far as it says how its process is to be run and what holds for its
// site: one App (ASP.NET Core, or any process behind <httpPlatform>), and a warning for each thing that has no meaning
// here. Reads the file and the environment, and looks for the programs that it names; changes nothing. For
// `gatehouse host`, at start and on reload.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/address.h"
#include "config/config.h"
#include "config/diagnostic.h"
#include "config/policy/header_edits.h"

namespace gatehouse::config {

struct WebConfig {
  // Without a name; only if there is no error.
  std::optional<App> app;
  // requestTimeout, for timeouts.response.
  std::optional<milliseconds> response;
  // maxAllowedContentLength, for limits.max_request_body.
  std::optional<std::uint64_t> max_request_body;
  // <customHeaders>, for response_headers of the route.
  HeaderEdits response_headers;
  // <ipSecurity>, for allow and deny of the route.
  std::vector<AddressRange> allow;
  std::vector<AddressRange> deny;
  // A rule of <rewrite> that leads from http to https, for redirect_to_https.
  bool redirect_to_https = false;
  // The hosts of the route, where a rule sends all others elsewhere; empty: any.
  std::vector<std::string> hosts;
  // What other rules of <rewrite>, and <httpRedirect>, say of hosts and paths: routes before that of the application. One
  // that forwards has no name of an upstream yet: it goes to the application.
  std::vector<Route> routes;
  // Their places are those of elements and attributes.
  std::vector<Diagnostic> diagnostics;
};

// Whether `folder` has such a file, in whatever case its name is written.
bool has_web_config(const std::string& folder);

// Reads that file, of at most 1 MiB. Windows paths in it are made ours, relative to `folder`. That it is not there or
// cannot be read is a diagnostic. REQUIRES: `folder` is absolute
WebConfig read_web_config(const std::string& folder);

// Reads `text` as if it were the file `name` in `folder`.
WebConfig parse_web_config(std::string_view text, const std::string& folder, const std::string& name = "web.config");

}  // namespace gatehouse::config
