#include <gtest/gtest.h>

#include "tests/support/diagnostics_case.h"

namespace gatehouse::config {
namespace {

using testing_support::DiagnosticsCase;
using testing_support::DiagnosticsTest;

// Keys of routes that say how a request is served, not which one.
const DiagnosticsCase kRouteKeys[] = {
    {.name = "TheOneListOfProtocolsThatARouteCanHave",
     .text = R"([[routes]]
path = "/x"
to = "base"
protocols = ["h1"]
[[routes]]
path = "/y"
to = "base"
protocols = []
[[routes]]
path = "/z"
to = "base"
protocols = ["h2", "h3"]
[[routes]]
path = "/zz"
to = "base"
protocols = ["h1", "h1"]
)",
     .expected =
         R"(12:14: "protocols" of a route is ["h1"], by which h2 and h3 are told to come back with HTTP/1.1, or [] for what its listeners speak; not "h2"
16:20: "protocols" of a route is ["h1"], by which h2 and h3 are told to come back with HTTP/1.1, or [] for what its listeners speak; not "h1"
)"},
    {.name = "ARouteOfHttp11NeedsAListenerThatSpeaksIt",
     .text = R"([[listeners]]
address = ":1"
protocols = ["h2c"]
[[routes]]
path = "/x"
respond = { status = 404 }
protocols = ["h1"]
[[routes]]
path = "/y"
respond = { status = 404 }
)",
     .expected =
         R"(4:1: the route is for HTTP/1.1 alone, which no listener speaks: h2 and h3 would be told to come back with it in vain; add "h1" to "protocols" of a listener
)",
     .context = testing_support::Context::kNothing},
    {.name = "EarlyDataIsNobodysIdentity",
     .text = R"([[listeners]]
address = ":1"
protocols = ["h1"]
tls = { early_data = true, certificates = [{ certificate = "c", private_key = "k" }] }
[[routes]]
path = "/x"
to = "app"
connection_auth = true
[upstreams.app]
endpoints = ["127.0.0.1:9"]
)",
     .expected =
         R"(5:1: "connection_auth" ties who a client is to its connection, and early data may be somebody else's copy; leave out "early_data" of the listener in line 1, or "connection_auth"
)",
     .context = testing_support::Context::kNothing},
    {.name = "WhatIsKeptIsNobodysOwn",
     .text = R"([[routes]]
path = "/a"
to = "base"
cache = "http"
connection_auth = true
[[routes]]
path = "/b"
to = "base"
cache = "http"
grpc = "web"
[[routes]]
path = "/c"
redirect = "/d"
cache = "httpsys"
[[routes]]
path = "/e"
to = "base"
cache_obeys_clients = true
)",
     .expected =
         R"(4:9: "cache" beside "connection_auth": what one client may see would be kept for all; leave one of them out
9:9: "cache" keeps no gRPC; leave out "cache", or "grpc"
14:9: "cache" is for what an endpoint says: it can have no effect on a route without "to"
18:23: warning: "cache_obeys_clients" has no effect without "cache"
)"},
    {.name = "WhatIsKeptIsNotForThoseWithACertificate",
     .text = R"([[listeners]]
address = ":1"
tls = { client_auth = "optional", client_ca = "ca", certificates = [{ certificate = "c", private_key = "k" }] }
[[routes]]
path = "/x"
to = "app"
cache = "http"
[upstreams.app]
endpoints = ["127.0.0.1:9"]
)",
     .expected =
         R"(4:1: "cache" keeps for everybody what a client with a certificate may have been told; leave out "client_auth" of the listener in line 1, or "cache"
)",
     .context = testing_support::Context::kNothing},
    {.name = "OneEntryThatWouldDriveOutAllOthers",
     .text = R"([cache]
memory = "2MiB"
max_entry = "1MiB"
)",
     .expected =
         R"(3:13: "max_entry" (1048576 bytes) is more than a quarter of "memory" (2097152 bytes): one response would drive out all others; make it smaller, or the memory larger
)"},
    {.name = "LookingAheadWithoutAnEndpoint",
     .text = R"([[listeners]]
address = ":1"
[[routes]]
path = "/x"
redirect = "/y"
push = true
early_hints = true
[[routes]]
path = "/z"
respond = { status = 404 }
push = false
)",
     .expected = R"(6:8: "push" is for what an endpoint says: it can have no effect on a route without "to"
7:15: "early_hints" is for what an endpoint says: it can have no effect on a route without "to"
)"},
    {.name = "PathsThatAreNoneToAskFor",
     .text = R"([[routes]]
path = "/a"
to = "base"
rewrite = "new"
[[routes]]
path = "/b"
to = "base"
rewrite = "$uri"
[[routes]]
path = "/c"
to = "base"
rewrite = "/new/$1"
[[routes]]
path = "/d"
to = "base"
rewrite = "/new/{R:1}"
[[routes]]
path = "/e"
to = "base"
rewrite = "/new/{path}"
[[routes]]
path = "/f"
to = "base"
rewrite = "{path}{path}"
[[routes]]
path = "/g"
to = "base"
rewrite = "/new{path}?a=b"
[[routes]]
path = "/h"
to = "base"
rewrite = "/new/../x"
[[routes]]
path = "/i"
to = "base"
rewrite = "/a b"
[[routes]]
path = "/j"
to = "base"
rewrite = "/a#b"
[[routes]]
path = "/k"
to = "base"
rewrite = "/new{path}/.."
[[routes]]
path = "/l"
to = "base"
rewrite = "//new"
[[routes]]
path = "/fine"
to = "base"
rewrite = "/index.php{path}/"
)",
     .expected =
         R"(4:11: "rewrite": "new" must start with "/"
8:11: "rewrite": "$uri" has "$uri", but there are no variables and no patterns: "{path}" stands for the client's path, without what "strip_prefix" takes off
12:11: "rewrite": "/new/$1" has "$1", but there are no variables and no patterns: "{path}" stands for the client's path, without what "strip_prefix" takes off
16:11: "rewrite": "/new/{R:1}" has "{R:1}"; the only placeholder is "{path}"
20:11: "rewrite": "/new/{path}" has two slashes in a row, as what "{path}" stands for begins with one; write "/new{path}"
24:11: "rewrite": "{path}{path}" has "{path}" twice
28:11: "rewrite": "/new{path}?a=b" has a "?"; the query is always the client's own
32:11: "rewrite": "/new/../x" is no path for an endpoint: it has visible ASCII that needs no escape, %XX for other bytes, and no "//", "." or ".."
36:11: "rewrite": "/a b" is no path for an endpoint: it has visible ASCII that needs no escape, %XX for other bytes, and no "//", "." or ".."
40:11: "rewrite": "/a#b" is no path for an endpoint: it has visible ASCII that needs no escape, %XX for other bytes, and no "//", "." or ".."
44:11: "rewrite": "/new{path}/.." is no path for an endpoint: it has visible ASCII that needs no escape, %XX for other bytes, and no "//", "." or ".."
48:11: "rewrite": "//new" is no path for an endpoint: it has visible ASCII that needs no escape, %XX for other bytes, and no "//", "." or ".."
)"},
    {.name = "RangesThatAreNone",
     .text = R"([[routes]]
path = "/a"
respond = { status = 204 }
allow = ["10.0.0.0/8", "::1", "unix", "all", "10.0.0.0/33", "localhost"]
deny = ["all", "10.0.0.0/8", 5]
)",
     .expected =
         R"(4:39: "allow": "all" is no address range; what "allow" does not list is refused by itself, and all addresses are "0.0.0.0/0" and "::/0"
4:46: "allow": "10.0.0.0/33": the prefix length is no number or too large for the address
4:61: "allow": "localhost": not an address range such as "10.0.0.0/8", "::1" or "unix"
5:9: "deny": "all" is no address range; what "allow" does not list is refused by itself, and all addresses are "0.0.0.0/0" and "::/0"
5:30: "deny" must be a string, not an integer
)"},
    {.name = "KeysWithoutEffect",
     .text = R"([[routes]]
path = "/x"
respond = { status = 404 }
strip_prefix = true
preserve_host = false
path_as = "canonical"
forwarded = "rfc7239"
request_headers = {}
timeouts = {}
response_headers = {}
grpc = "web"
[[listeners]]
address = ":1"
[listeners.quic]
)",
     .expected = R"(4:16: warning: "strip_prefix" has no effect on a route with "respond"
5:17: warning: "preserve_host" has no effect on a route without "to"
6:11: warning: "path_as" has no effect on a route without "to"
7:13: warning: "forwarded" has no effect on a route without "to"
8:19: warning: "request_headers" has no effect on a route without "to"
9:12: warning: "timeouts" has no effect on a route without "to"
11:8: warning: "grpc" has no effect on a route without "to"
14:1: warning: [listeners.quic] has no effect without "h3" in "protocols"
)"},
};

INSTANTIATE_TEST_SUITE_P(RouteKeys, DiagnosticsTest, testing::ValuesIn(kRouteKeys), testing_support::name_of_case);

}  // namespace
}  // namespace gatehouse::config
