// What hosts, paths, redirect targets and header edits of a route may be: only what can match a request, or be written
// into a message, as it stands. Each error is a sentence that says what would be right. Pure.
#pragma once

#include <string>
#include <string_view>

#include "common/result.h"

namespace gatehouse::config {

// A host pattern in lower case: a name, "*." and a name, or an IP address ("[::1]" for v6); no port, no trailing dot.
Result<std::string> normalised_host(std::string_view text);

// Fine if `path` is its own canonical form, the one that requests are matched in: whole segments, no "." or "..", no
// escapes of unreserved characters, no trailing slash but of "/" itself. Otherwise the error says the right one.
Result<> check_path(std::string_view path);

// An http(s) URL or a path from the root, with no placeholders but {uri} and {host}.
Result<> check_redirect_target(std::string_view target);

enum class Edit { kSet, kRemove };

// A field name that a route may set or remove: a token, and not one that frames messages or belongs to the connection.
Result<> check_header_name(std::string_view name, Edit edit);
Result<> check_header_value(std::string_view value);

}  // namespace gatehouse::config
