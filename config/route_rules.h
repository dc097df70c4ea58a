// What hosts, paths, redirect targets and header edits of a route may be: only what can match a request, or be written
// into a message, as it stands. Each error is a sentence that says what would be right. Pure.
#pragma once

#include <string>
#include <string_view>

#include "common/result.h"

namespace gatehouse::config {

// Whether it may be the name of a field or a cookie (RFC 9110 section 5.6.2).
bool is_token(std::string_view name);

// Returns a host pattern in lower case: a name, "*." and a name, or an IP address ("[::1]" for v6). An error if it has
// a port, a trailing dot, or characters that are not ASCII (they are written in their "xn--" form).
Result<std::string> normalised_host(std::string_view text);

// Fine if `path` is its own canonical form, the one that requests are matched in: whole segments, none of them empty,
// "." or "..", no pattern such as "*" or "{id}", no ";" with parameters, no escapes of unreserved characters, no trailing slash but of "/" itself.
// Otherwise the error says the right one, or that no request can match.
Result<> check_path(std::string_view path);

// Fine for an http(s) URL, a path from the root (not "//"), or what begins with {uri}. There are no placeholders but
// {uri} and {host}, no variables of another server, and all is visible ASCII.
Result<> check_redirect_target(std::string_view target);

// Fine for what an endpoint is asked for: a path from the root (not "//") whose segments are canonical, with "{path}" at
// most once, which begins with a slash itself. No query: that is the client's.
Result<> check_rewrite(std::string_view text);

// Only the words of an error depend on it.
enum class Edit { kSet, kRemove, kAsk };

// Fine for a field name that a route may set or remove, or that a request of ours may have: a token (RFC 9110 section 5.6.2), and none that frames
// messages or belongs to the connection, nor Host and Alt-Svc, which have keys of their own.
Result<> check_header_name(std::string_view name, Edit edit);
// Fine if it has no control characters but tabs, no spaces or tabs at its ends (RFC 9110 section 5.5), and no variable of
// another server.
Result<> check_header_value(std::string_view value);

}  // namespace gatehouse::config
