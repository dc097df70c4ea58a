// What names, endpoints, and the things that are sent to them may be: the same for upstreams and apps, in a file or on
// the command line. Each error is a sentence that says what would be right. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "common/address.h"
#include "common/result.h"
#include "config/config.h"

namespace gatehouse::config {

// Whether an upstream or an app may be called so: it is a label of metrics and a field of logs. 1 to 64 letters,
// digits, "-", "_" and ".".
bool is_target_name(std::string_view name);

// Reads "127.0.0.1:5000", "[::1]:5000", "unix:/path", "name:5000" (DNS), or "_service._tcp.name" (SRV, which has no
// port). Names are not looked up, and come back in lower case. An error for port 0, for an address that means all of a
// machine's, and for a name whose last label is a number, which is a mistyped address.
Result<std::variant<Address, DnsName>> parse_endpoint(std::string_view text);
// The same, and with "http://" or "https://" before it, where 80 or 443 is the port if there is none, and a "/" may end
// it. An error for a path and for TLS to a Unix socket.
Result<Endpoint> parse_endpoint_url(std::string_view text);
// "http://127.0.0.1:5000/app", as the endpoint that it would be without its path, and the path without a slash at its end.
struct EndpointBelow {
  std::string endpoint;
  std::string path;
};
// Nothing if it has no path, or is no endpoint without it.
std::optional<EndpointBelow> split_endpoint(std::string_view text);
// Returns them as these functions read them.
std::string endpoint_text(const Endpoint& endpoint);
std::string endpoint_text(const DnsName& name);
std::string endpoint_text(const std::variant<Address, DnsName>& endpoint);

// Fine for what a GET of ours may ask for: a path from the root (not "//") and perhaps a query, in visible ASCII and
// without a fragment.
Result<> check_request_path(std::string_view path);

// Whether execve(2) takes it: not empty, no "=", no NUL.
bool is_environment_name(std::string_view name);

}  // namespace gatehouse::config
