// Request targets (RFC 9112 section 3.2) and the paths that come of them. Pure, any thread.
//
// A path is forwarded byte for byte as it was sent, but for characters that RFC 3986 does not know, which are escaped.
// Every decision (routing, hashing, admin pages) uses its canonical form: what a server makes of it that decodes it,
// takes backslashes for slashes and doubled slashes for one, resolves "." and "..", and drops the ";parameters" of
// segments. As not every server does all of this, a path has other readings where it makes a difference, and a route is
// taken only if each reading would take it, see path_readings.h. The resolved form is the canonical one with the
// parameters, and with escapes and their characters told apart, for routes that want it forwarded.
//
//   as sent                    canonical         resolved             other readings
//   /a;v=1/%7eu/%c3%bc%2b|     /a/~u/%C3%BC+%7C  /a;v=1/~u/%C3%BC%2B%7C   none
//   /a/./b//c                  /a/b/c            /a/b/c               yes: /a/./b/c, /a/b//c
//   /a/..%2fb                  /b                /b                   yes: /a/../b
//   /a%252fb   /a%c0%afb       /a/b              /a/b                 yes: /a%2Fb
//   /a%2541                    /a%2541           /a%2541              yes: /aA
//   /a/../../b   /a%00   /a\b   /a%4               none: kUnsafeTarget
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
  // `origin` has characters that must not be forwarded as they are: see escaped().
  bool needs_escapes = false;
};

// Tells the forms of a target apart. `method` decides whether "*" is allowed (OPTIONS only). CONNECT's authority form
// is refused (kMethodNotAllowed), what is no target is kMalformedRequest, and one with a space, a control, "#" or, in
// its path, a backslash is kUnsafeTarget.
std::expected<Target, Fault> parse(std::string_view target, std::string_view method);

// Returns an origin-form target with an escape for each character that RFC 3986 does not allow in one: { } | ^ ` < > "
// and \ (in queries), and bytes from 0x80 on. Brackets stay, which it does not allow there either, but all servers take.
std::string escaped(std::string_view origin);

struct Settled {
  std::string canonical;
  // There may be other readings than `canonical`.
  bool ambiguous = false;
};

// All three take an origin-form path without its query. kUnsafeTarget: it leads above the root, or has a character that
// parse() refuses, a broken escape, or an encoded NUL or control. canonical_path(resolved_path(p)) ==
// canonical_path(p), and both functions leave their own results alone.
std::expected<Settled, Fault> settle(std::string_view path);
std::expected<std::string, Fault> canonical_path(std::string_view path);
std::expected<std::string, Fault> resolved_path(std::string_view path);

// True for paths that are canonical as they stand and have no other reading, which is nearly all of them: none of these
// functions need be called. False for some that are (those with segments that begin with a dot).
bool is_canonical(std::string_view path);

// The byte, where in a segment of a canonical path it stands for itself, else its escape.
void append_canonical(std::string& out, unsigned char byte);

// The character below 0x80 that the first bytes of `text` would be in UTF-8 if more bytes were allowed for one than it
// needs (RFC 3629 section 10), as some decoders do; `size` is how many bytes.
struct Overlong {
  unsigned char character;
  std::size_t size;
};
std::optional<Overlong> overlong(std::string_view text);

// Returns host[:port] in lower case without a trailing dot and without an empty port, or nothing if it is not one
// (userinfo, space, bad port, bad brackets, more than 255 bytes). A port that is there stays, even the scheme's own.
std::optional<std::string> normalised_authority(std::string_view authority);

}  // namespace gatehouse::target
