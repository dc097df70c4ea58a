// Request targets (RFC 9112 section 3.2) and the one canonical path that every decision uses (FAULTS X07 of the plan is its
// specification): "." and ".." resolved, doubled slashes merged, unreserved escapes decoded, the others in upper case,
// ";parameters" of segments dropped. Ambiguous paths have no canonical form and are refused. Pure, any thread.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "proxy/http/fault.h"

namespace gatehouse::target {

struct Target {
  std::string scheme;      // absolute form only
  std::string authority;   // absolute form only
  std::string origin;      // "/path?query", or "*"
};

// `method` decides whether "*" is allowed (OPTIONS only). CONNECT's authority form is refused (kMethodNotAllowed).
std::expected<Target, Fault> parse(std::string_view target, std::string_view method);

// Canonical form of an origin-form path (no query). kUnsafeTarget for paths above the root, "%00", encoded or raw
// backslash, encoded slash, invalid escapes, control or non-ASCII bytes.
std::expected<std::string, Fault> canonical_path(std::string_view path);

// host[:port] in lower case without a trailing dot, or nothing if it is not one (userinfo, space, bad port, bad brackets).
std::optional<std::string> normalised_authority(std::string_view authority);

}  // namespace gatehouse::target
