// Request targets (RFC 9112 section 3.2) and the paths that come of them. Pure, any thread.
//
// Every decision (routing, hashing, admin pages) uses the canonical path: "." and ".." resolved, doubled slashes
// merged, escapes of unreserved characters decoded, the other escapes in upper case, ";parameters" of segments
// dropped. What is forwarded is the resolved path: the same segments, so that the endpoint cannot arrive anywhere
// else, but each as it was sent, with its parameters and escapes. A path that two parsers could read differently has
// neither and is refused: one that leads above the root, raw or encoded backslashes, encoded slashes or control
// characters, broken escapes, overlong UTF-8.
//
//   as sent                    canonical      resolved
//   /a/./b//c;v=1/../%7eu      /a/b/~u        /a/b/%7eu
//   /a;x=1/%c3%bc              /a/%C3%BC      /a;x=1/%c3%bc
//   /a/../../b    /a%2fb       none: kUnsafeTarget
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "proxy/http/fault.h"

namespace gatehouse::target {

struct Target {
  // Absolute form only, in lower case: http or https.
  std::string scheme;
  // Absolute form only, as sent.
  std::string authority;
  // "/path?query" as sent, or "*".
  std::string origin;
};

// Tells the forms of a target apart. `method` decides whether "*" is allowed (OPTIONS only). CONNECT's authority form
// is refused (kMethodNotAllowed), everything else that is no target is kMalformedRequest. In a query the characters
// that browsers send raw though RFC 3986 does not list them ({ } | ^ ` \ [ ]) are let through.
std::expected<Target, Fault> parse(std::string_view target, std::string_view method);

// Both take an origin-form path without its query; kUnsafeTarget where there is none, see above.
// canonical_path(resolved_path(p)) == canonical_path(p), and both functions leave their own results alone.
std::expected<std::string, Fault> canonical_path(std::string_view path);
std::expected<std::string, Fault> resolved_path(std::string_view path);

// True for paths that are canonical as they stand, which is nearly all of them: neither function need be called.
// False for some that are (those with segments that begin with a dot).
bool is_canonical(std::string_view path);

// Returns host[:port] in lower case without a trailing dot, or nothing if it is not one (userinfo, space, bad port,
// bad brackets, more than 255 bytes). A port that is there stays, even the scheme's own.
std::optional<std::string> normalised_authority(std::string_view authority);

}  // namespace gatehouse::target
