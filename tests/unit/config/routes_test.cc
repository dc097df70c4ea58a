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
     .expected = R"(1:1: a route needs one of "to", "redirect", "respond" or "files"
6:12: "redirect" beside "to": a route has exactly one of "to", "redirect", "respond" or "files"
10:12: "redirect" beside "to": a route has exactly one of "to", "redirect", "respond" or "files"
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
[[routes]]
to = "base"
path = "/a%3Bb"
[[routes]]
to = "base"
path = "/a|%2b"
[[routes]]
to = "base"
path = "/a%0a"
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
33:8: "path": "/a%2fb" is no path to match: an encoded slash or backslash counts as a slash, so it cannot match
36:8: "path": "/a\\b" is no path to match: requests with a backslash are refused, so it cannot match
39:8: "path": "/a%0" is no path to match: it has a "%" without two hexadecimal digits
42:8: "path": "/a;v=1/b" is not the form that requests are matched in; write "/a/b"
45:8: "path": "/é" is no path to match: it has a byte that must be written as %XX
48:8: "path": "/a%3Bb" is no path to match: an encoded semicolon may begin parameters, so it cannot match
51:8: "path": "/a|%2b" is not the form that requests are matched in; write "/a%7C+"
54:8: "path": "/a%0a" is no path to match: requests with an encoded NUL or control are refused, so it cannot match
)"},
    {.name = "WhatNginxWouldCallAnyHost",
     .text = R"([[routes]]
to = "base"
hosts = ["_"]
)",
     .expected = R"(3:10: "hosts": "_" is how nginx names any host; leave "hosts" out to match any
)"},
    {.name = "PathsAreNoPatterns",
     .text = R"([[routes]]
to = "base"
path = "/api/*"
[[routes]]
to = "base"
path = "/*"
[[routes]]
to = "base"
path = "/users/{id}/orders"
[[routes]]
to = "base"
path = "/v1/.*"
[[routes]]
to = "base"
path = "/a/*b"
)",
     .expected =
         R"(3:8: "path": "/api/*" has a pattern, and there are none: write "/api", which is for all that is below it too
6:8: "path": "/*" has a pattern, and there are none: write "/", which is for all that is below it too
9:8: "path": "/users/{id}/orders" has a pattern, and there are none: write "/users", which is for all that is below it too
12:8: "path": "/v1/.*" has a pattern, and there are none: write "/v1", which is for all that is below it too
)"},
    {.name = "VariablesOfOtherServers",
     .text = R"([[routes]]
path = "/a"
to = "base"
request_headers.set = { X-Real-IP = "$remote_addr", X-H = "a {host}", X-T = "$http_x_tenant", X-P = "$5, $x, {a}, $" }
response_headers.add = { X-C = "{client_ip}", Report-To = '{"group":"a"}' }
[[routes]]
path = "/b"
redirect = "https://$host$request_uri"
[[routes]]
path = "/c"
redirect = "https://a.example/$arg_next"
[[routes]]
path = "/d"
redirect = "https://a.example{uri}?price=$5"
)",
     .expected =
         R"(4:25: "X-Real-IP": "$remote_addr" would be sent as it stands: there are no variables in headers; endpoints get X-Forwarded-For by themselves, and X-Real-IP with real_ip = true
4:53: "X-H": "{host}" would be sent as it stands: there are no variables in headers; endpoints get Host and X-Forwarded-Host by themselves; see "preserve_host"
4:71: "X-T": "$http_x_tenant" would be sent as it stands: there are no variables in headers
5:26: "X-C": "{client_ip}" would be sent as it stands: there are no variables in headers; endpoints get X-Forwarded-For by themselves, and X-Real-IP with real_ip = true
8:12: "redirect": "https://$host$request_uri" has "$host"; write "https://{host}{uri}"
11:12: "redirect": "https://a.example/$arg_next" has "$arg_next"; the placeholders are "{uri}" and "{host}"
)"},
    {.name = "AddressesWhereNamesBelong",
     .text = R"([[routes]]
path = "/a"
to = "http://127.0.0.1:5001"
[[routes]]
path = "/b"
to = "127.0.0.1:5000"
[[routes]]
path = "/c"
to = "https://api.internal/v2/"
[[routes]]
path = "/d"
to = "a b"
[upstreams.x]
endpoints = ["http://127.0.0.1:5002/app/", { address = "127.0.0.1:5003/app" }]
)",
     .expected =
         R"(3:6: "to": "http://127.0.0.1:5001" is no name of an upstream or an app; write to = "app", and [upstreams.app] with endpoints = ["http://127.0.0.1:5001"]
6:6: "to": "127.0.0.1:5000" is no name of an upstream or an app; write to = "base"
9:6: "to": "https://api.internal/v2/" is no name of an upstream or an app; write to = "app" and rewrite = "/v2{path}", and [upstreams.app] with endpoints = ["https://api.internal"]
12:6: "to": "a b" is no name of an upstream or an app
13:1: warning: nobody uses the upstream "x"
14:14: "http://127.0.0.1:5002/app/" is no endpoint: it has a path; write "http://127.0.0.1:5002", and rewrite = "/app{path}" in the routes that lead here
14:56: "127.0.0.1:5003/app" is no endpoint: it has a path; write "127.0.0.1:5003", and rewrite = "/app{path}" in the routes that lead here
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
endpoints = ["127.0.0.1:1", "127.0.0.1:1", "ftp://127.0.0.1:5000", ":80", "127.0.0.1:0", "app.internal", {}, 5]
[upstreams.b]
endpoints = []
[upstreams.c]
balance = "fastest"
)",
     .expected = R"(11:29: the endpoint "127.0.0.1:1" is listed twice
11:44: "ftp://127.0.0.1:5000" is no endpoint: it is an address, or one with "http://" or "https://" before it
11:68: ":80" is no endpoint: it needs the address of a host and a port, such as "127.0.0.1:5000"
11:75: "127.0.0.1:0" is no endpoint: it needs the address of a host and a port, such as "127.0.0.1:5000"
11:90: "endpoints": "app.internal": an address needs a port, as in "127.0.0.1:8080"
11:106: an endpoint needs an "address"
11:110: "endpoints" must be a string, not an integer
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
};

INSTANTIATE_TEST_SUITE_P(Routes, DiagnosticsTest, testing::ValuesIn(kRoutes), testing_support::name_of_case);

}  // namespace
}  // namespace gatehouse::config
