// What names, endpoints, and the things that are sent to them may be: the same for upstreams and apps, in a file or on
// the command line. Each error is a sentence that says what would be right. Pure.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "common/address.h"
#include "common/result.h"
#include "config/config.h"

namespace gatehouse::config {

// Of an upstream or an app: a label of metrics and a field of logs. At most 64 letters, digits, "-", "_" and ".".
bool is_target_name(std::string_view name);

// "127.0.0.1:5000", "[::1]:5000", "unix:/path", "name:5000" (DNS), or "_service._tcp.name" (SRV, which has no port).
Result<std::variant<Address, DnsName>> parse_endpoint(std::string_view text);
std::string endpoint_text(const std::variant<Address, DnsName>& endpoint);  // as parse_endpoint() reads it

// What a GET of ours may ask for: a path from the root and perhaps a query, in visible ASCII.
Result<> check_request_path(std::string_view path);

bool is_header_or_cookie_name(std::string_view name);  // a token, RFC 9110 section 5.6.2

// What execve takes: not empty, no "=", no NUL.
bool is_environment_name(std::string_view name);

}  // namespace gatehouse::config
