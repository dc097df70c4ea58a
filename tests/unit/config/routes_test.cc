#include <gtest/gtest.h>

#include "tests/support/diagnostics_case.h"

namespace gatehouse::config {
namespace {

using testing_support::DiagnosticsCase;
using testing_support::DiagnosticsTest;

// Routes and upstreams that cannot be, alone or beside each other.
const DiagnosticsCase kRoutes[] = {
    {.name = "ARouteHasOneAction",
     .text = R"([[routes]]
path = "/x"
[[routes]]
path = "/y"
to = "base"
redirect = "/z"
[[routes]]
path = "/z"
respond = { }
redirect = "/a"
to = "base"
)",
     .expected = R"(1:1: a route needs one of "to", "redirect" or "respond"
6:12: "redirect" beside "to": a route has exactly one of "to", "redirect" or "respond"
10:12: "redirect" beside "to": a route has exactly one of "to", "redirect" or "respond"
)"},
    {.name = "HostsThatAreNone",
     .text = R"([[routes]]
to = "base"
hosts = ["*", "a.*.example", "shop.example:443", "bücher.example", "a.example.", "-a.example", "a..b", "", "[::1", "A.Example", "a.example"]
)",
     .expected = R"(3:10: "hosts": "*" is no host; leave "hosts" out to match any
3:15: "hosts": "a.*.example" has a "*" that is not a leading "*."
3:30: "hosts": "shop.example:443" has a port; routes match the host alone
3:50: "hosts": "bücher.example" is no host name; write names that are not ASCII in their "xn--" form
3:68: "hosts": "a.example." ends in a dot; write it without
3:82: "hosts": "-a.example" is no host name; write "shop.example.com" or "*.example.com"
3:96: "hosts": "a..b" is no host name; write "shop.example.com" or "*.example.com"
3:104: "hosts": "" is no host name; write "shop.example.com" or "*.example.com"
3:108: "hosts": "[::1" is no host name; write "shop.example.com" or "*.example.com"
3:129: the host "a.example" is listed twice
)"},
    {.name = "HostsThatAreFine",
     .text = R"([[routes]]
to = "base"
hosts = ["Shop.Example", "*.example", "127.0.0.1", "[::1]", "localhost", "xn--bcher-kva.example"]
)",
     .expected = R"()"},
    {.name = "PathsThatNeverMatch",
     .text = R"([[routes]]
to = "base"
path = "api"
[[routes]]
to = "base"
path = ""
[[routes]]
to = "base"
path = "/api/"
[[routes]]
to = "base"
path = "/a//b"
[[routes]]
to = "base"
path = "/a/../b"
[[routes]]
to = "base"
path = "/.."
[[routes]]
to = "base"
path = "/a%41"
[[routes]]
to = "base"
path = "/%e9"
[[routes]]
to = "base"
path = "/a b"
[[routes]]
to = "base"
path = "/a?b"
[[routes]]
to = "base"
path = "/a%2fb"
[[routes]]
to = "base"
path = '/a\b'
[[routes]]
to = "base"
path = "/a%0"
[[routes]]
to = "base"
path = "/a;v=1/b"
[[routes]]
to = "base"
path = "/é"
)",
     .expected = R"(3:8: "path": "api" must start with "/"
6:8: "path": "" must start with "/"
9:8: "path": "/api/" is not the form that requests are matched in; write "/api"
12:8: "path": "/a//b" is not the form that requests are matched in; write "/a/b"
15:8: "path": "/a/../b" is not the form that requests are matched in; write "/b"
18:8: "path": "/.." is no path to match: it leads above the root
21:8: "path": "/a%41" is not the form that requests are matched in; write "/aA"
24:8: "path": "/%e9" is not the form that requests are matched in; write "/%E9"
27:8: "path": "/a b" is no path to match: it has a byte that must be written as %XX
30:8: "path": "/a?b" is no path to match: routes match paths only; a query or fragment is no part of one
33:8: "path": "/a%2fb" is no path to match: requests with an encoded slash, backslash or NUL are refused, so it cannot match
36:8: "path": "/a\\b" is no path to match: requests with a backslash are refused, so it cannot match
39:8: "path": "/a%0" is no path to match: it has a "%" without two hexadecimal digits
42:8: "path": "/a;v=1/b" is not the form that requests are matched in; write "/a/b"
45:8: "path": "/é" is no path to match: it has a byte that must be written as %XX
)"},
    {.name = "AnUnreachableRoute",
     .text = R"([[routes]]
hosts = ["a.example"]
to = "base"
[[routes]]
hosts = ["b.example", "A.example"]
to = "base"
[[routes]]
path = "/base"
to = "base"
)",
     .expected = R"(4:1: unreachable route: the one in line 1 has the same host ("a.example") and path ("/")
13:1: unreachable route: the one in line 7 has the same host (any) and path ("/base")
)"},
    {.name = "AnUnknownUpstream",
     .text = R"([[routes]]
path = "/x"
to = "shp"
[[routes]]
path = "/y"
to = "elsewhere"
[[routes]]
path = "/z"
to = ""
[upstreams.shop]
endpoints = ["127.0.0.1:1"]
)",
     .expected = R"(3:6: there is no upstream or app "shp"; did you mean "shop"?
6:6: there is no upstream or app "elsewhere"; add [upstreams."elsewhere"] or [apps."elsewhere"]
9:6: "to" must be the name of an upstream or an app, not empty
)"},
    {.name = "AnUpstreamNobodyUses",
     .text = R"([upstreams.idle]
endpoints = ["127.0.0.1:1"]
)",
     .expected = R"(1:1: warning: nobody uses the upstream "idle"
)"},
    {.name = "EndpointsThatAreNone",
     .text = R"([[routes]]
path = "/x"
to = "a"
[[routes]]
path = "/y"
to = "b"
[[routes]]
path = "/z"
to = "c"
[upstreams.a]
endpoints = ["127.0.0.1:1", "127.0.0.1:1", "http://127.0.0.1:5000", ":80", "127.0.0.1:0", "app.internal", {}, 5]
[upstreams.b]
endpoints = []
[upstreams.c]
balance = "fastest"
)",
     .expected = R"(11:29: the endpoint "127.0.0.1:1" is listed twice
11:44: an endpoint is an address without a scheme; write "127.0.0.1:5000"
11:69: ":80" is no endpoint: it needs the address of a host and a port, such as "127.0.0.1:5000"
11:76: "127.0.0.1:0" is no endpoint: it needs the address of a host and a port, such as "127.0.0.1:5000"
11:91: "endpoints": "app.internal": an address needs a port, as in "127.0.0.1:8080"
11:107: an endpoint needs an "address"
11:111: "endpoints" must be a string, not an integer
13:13: the upstream "b" needs endpoints, such as endpoints = ["127.0.0.1:5000"]
14:1: the upstream "c" needs endpoints, such as endpoints = ["127.0.0.1:5000"]
15:11: "balance" must be "round_robin", "least_requests", "random" or "hash", not "fastest"
)"},
    {.name = "AnEndpointThatIsAListener",
     .text = R"([[routes]]
path = "/x"
to = "a"
[upstreams.a]
endpoints = ["127.0.0.1:8000"]
)",
     .expected = R"(5:14: warning: the endpoint 127.0.0.1:8000 is a listener of this file: requests may go in circles
)"},
    {.name = "UpstreamNames",
     .text = R"([[routes]]
path = "/x"
to = "a b"
[upstreams."a b"]
endpoints = ["127.0.0.1:1"]
)",
     .expected = R"(4:1: "a b" is no name for an upstream; use at most 64 letters, digits, "-", "_" and "."
)"},
    {.name = "RedirectsThatAreNone",
     .text = R"([[routes]]
path = "/x0"
redirect = "www.example.com"
[[routes]]
path = "/x1"
redirect = "https://a/{path}"
[[routes]]
path = "/x2"
redirect = "https://a/ b"
[[routes]]
path = "/x3"
redirect = "//a"
[[routes]]
path = "/x4"
redirect = "https://"
[[routes]]
path = "/x5"
redirect = "/y"
status = 200
[[routes]]
path = "/x6"
redirect = "{uri}{"
[[routes]]
path = "/x7"
to = "base"
status = 308
[[routes]]
path = "/x8"
redirect = ""
)",
     .expected = R"(3:12: "redirect": "www.example.com" must start with "https://", "http://" or "/"
6:12: "redirect": "https://a/{path}" has "{path}"; the placeholders are "{uri}" and "{host}"
9:12: "redirect": "https://a/ b" has a space, control or non-ASCII byte; write it as %XX
12:12: "redirect": "//a" must start with "https://", "http://" or "/"
15:12: "redirect": "https://" must start with "https://", "http://" or "/"
19:10: "status" of a redirect must be 301, 302, 303, 307 or 308, not 200
22:12: "redirect": "{uri}{" has "{"; the placeholders are "{uri}" and "{host}"
26:10: "status" belongs to "redirect"; for an answer write respond = { status = 404 }
29:12: "redirect": "" must start with "https://", "http://" or "/"
)"},
    {.name = "AnswersThatAreNone",
     .text = R"([[routes]]
path = "/x"
respond = { status = 101 }
[[routes]]
path = "/y"
respond = { status = 204, body = "x" }
[[routes]]
path = "/z"
respond = 404
)",
     .expected = R"(3:22: "status" must be from 200 to 599, not 101
6:34: an answer with status 204 has no body
9:11: "respond" must be a table, not an integer
)"},
    {.name = "HeadersThatAreNone",
     .text = R"([[routes]]
path = "/x"
to = "base"
[routes.request_headers]
set = { Content-Length = "1", "X Y" = "1", X-A = "a\r\nb", x-a = "1", X-B = "1", x-b = "2", Host = "h", X-C = " a" }
remove = ["Connection", "transfer-encoding", "", "Cookie"]
[routes.response_headers]
add = { Alt-Svc = "h3", ":status" = "200" }
)",
     .expected =
         R"(5:9: "Content-Length" cannot be set: it belongs to the connection and the framing of messages, which are ours
5:31: "X Y" is no header name; it has letters, digits and "-"
5:44: "X-A": "a\r\nb" is no header value: it has a control character
5:82: the header "x-b" is listed twice; names differ in more than case
5:93: "Host" cannot be set here; see "preserve_host"
5:105: "X-C": " a" is no header value: it begins or ends with a space
6:11: "Connection" cannot be removed: it belongs to the connection and the framing of messages, which are ours
6:25: "transfer-encoding" cannot be removed: it belongs to the connection and the framing of messages, which are ours
6:46: "" is no header name; it has letters, digits and "-"
8:9: "Alt-Svc" cannot be set here; see "alt_svc" of the listener
8:25: ":status" is no header name; it has letters, digits and "-"
)"},
    {.name = "KeysWithoutEffect",
     .text = R"([[routes]]
path = "/x"
redirect = "/y"
strip_prefix = true
preserve_host = false
forwarded = "rfc7239"
request_headers = {}
timeouts = {}
response_headers = {}
[[listeners]]
address = ":1"
[listeners.quic]
)",
     .expected = R"(4:16: warning: "strip_prefix" has no effect on a route without "to"
5:17: warning: "preserve_host" has no effect on a route without "to"
6:13: warning: "forwarded" has no effect on a route without "to"
7:19: warning: "request_headers" has no effect on a route without "to"
8:12: warning: "timeouts" has no effect on a route without "to"
12:1: warning: [listeners.quic] has no effect without "h3" in "protocols"
)"},
};

INSTANTIATE_TEST_SUITE_P(Routes, DiagnosticsTest, testing::ValuesIn(kRoutes), testing_support::name_of_case);

}  // namespace
}  // namespace gatehouse::config
