#include <variant>

#include <gtest/gtest.h>

#include "config/reading/load.h"
#include "config/target_rules.h"
#include "tests/support/diagnostics_case.h"

namespace gatehouse::config {
namespace {

using testing_support::DiagnosticsCase;
using testing_support::DiagnosticsTest;

// How requests may not be spread, and endpoints not be watched.
const DiagnosticsCase kBalancing[] = {
    {.name = "HashOnThatIsNone",
     .text = R"([[routes]]
path = "/a"
to = "a"
[[routes]]
path = "/b"
to = "b"
[[routes]]
path = "/c"
to = "c"
[upstreams.a]
endpoints = ["10.0.0.1:1"]
balance = "hash"
hash_on = "ip"
[upstreams.b]
endpoints = ["10.0.0.1:1"]
balance = "hash"
hash_on = "header:"
[upstreams.c]
endpoints = ["10.0.0.1:1"]
balance = "hash"
hash_on = "cookie:a b"
)",
     .expected = R"(13:11: "hash_on" must be "client_ip", "path", "header:NAME" or "cookie:NAME", not "ip"
17:11: "hash_on": "" is no name of a header or cookie; write it behind the colon, as in "header:X-Tenant"
21:11: "hash_on": "a b" is no name of a header or cookie; write it behind the colon, as in "cookie:X-Tenant"
)"},
    {.name = "HashOnWithoutHash",
     .text = R"([[routes]]
path = "/a"
to = "a"
[upstreams.a]
endpoints = ["10.0.0.1:1"]
hash_on = "path"
)",
     .expected = R"(6:11: warning: "hash_on" has no effect without balance = "hash"
)"},
    {.name = "DelegatesThatAreNone",
     .text = R"([[routes]]
to = "router"
[upstreams.router]
endpoints = ["10.0.0.1:1"]
delegate_to = ["ordres", "router", "orders", "orders", ""]
[upstreams.orders]
endpoints = ["10.0.0.1:2"]
)",
     .expected = R"(5:16: "delegate_to": there is no upstream or app "ordres"; did you mean "orders"?
5:26: "delegate_to": the upstream "router" cannot hand requests to itself
5:46: "delegate_to": "orders" is listed twice
5:56: "delegate_to": there is no upstream or app ""
)"},
    {.name = "DelegatesInACircleThatNoRouteNames",
     .text = R"([[routes]]
to = "router"
[upstreams.router]
endpoints = ["10.0.0.1:1"]
delegate_to = ["orders"]
[upstreams.orders]
endpoints = ["10.0.0.1:2"]
delegate_to = ["router", "reports"]
[apps.reports]
command = ["/bin/true"]
delegate_to = ["orders"]
)",
     .expected = ""},
    {.name = "HashOnThatIsFine",
     .text = R"([[routes]]
path = "/a"
to = "a"
[upstreams.a]
endpoints = ["10.0.0.1:1"]
hash_on = "header:X-Tenant"
balance = "hash"
)",
     .expected = R"()"},
    {.name = "WeightsOutsideTheirRange",
     .text = R"([[routes]]
path = "/a"
to = "a"
[upstreams.a]
endpoints = [{ address = "10.0.0.1:1", weight = 0 }, { address = "10.0.0.2:1", weight = 1001 }, { weight = 2 }, { address = "10.0.0.3:1", weight = "2" }]
)",
     .expected = R"(5:49: "weight" must be from 1 to 1000, not 0
5:89: "weight" must be from 1 to 1000, not 1001
5:97: an endpoint needs an "address"
5:148: "weight" must be an integer, not a string
)"},
    {.name = "NamesThatAreNoEndpoints",
     .text = R"([[routes]]
path = "/a"
to = "a"
[upstreams.a]
endpoints = ["shop.internal", "shop.internal:0", "shop.internal:70000", "shop..internal:1", "-a.b:1", "10.0.0.256:80", "_http._tcp.shop:80", "_http.shop", "Shop.Internal:1", "shop.internal:1"]
)",
     .expected =
         R"(5:14: "endpoints": "shop.internal": an address needs a port, as in "127.0.0.1:8080"
5:31: "shop.internal:0" needs a port from 1 to 65535, as in "shop.internal:5000"
5:50: "shop.internal:70000" needs a port from 1 to 65535, as in "shop.internal:5000"
5:73: "shop..internal:1" is no endpoint: "shop..internal" is neither an IP address nor a name
5:93: "-a.b:1" is no endpoint: "-a.b" is neither an IP address nor a name
5:103: "10.0.0.256:80" is no endpoint: "10.0.0.256" is neither an IP address nor a name
5:120: "_http._tcp.shop:80" is no service name; write it as in "_http._tcp.shop.internal", without a port
5:142: "_http.shop" is no service name; write it as in "_http._tcp.shop.internal", without a port
5:175: the endpoint "shop.internal:1" is listed twice
)"},
    {.name = "HealthThatIsNone",
     .text = R"([[routes]]
path = "/a"
to = "a"
[upstreams.a]
endpoints = ["10.0.0.1:1"]
[upstreams.a.health]
path = "healthz"
interval = "0s"
timeout = 3
unhealthy_after = 0
healthy_after = 1001
expect = "399-200"
initial = "unknown"
slow_start = "-1s"
)",
     .expected = R"(7:8: "path": "healthz" is no path to ask for; write one such as "/healthz"
8:12: "interval" must be from 1ms to 8760h, not "0s"
9:11: "timeout" must be a duration such as "10s", not an integer
10:19: "unhealthy_after" must be from 1 to 1000, not 0
11:17: "healthy_after" must be from 1 to 1000, not 1001
12:10: "expect" must be a status from 200 to 599 or a range of them, such as "204" or "200-399", not "399-200"
13:11: "initial" must be "serve" or "wait", not "unknown"
14:14: "slow_start": "-1s" is no duration; write a whole number and ms, s, m or h, such as "250ms" or "10s"
)"},
    {.name = "ExpectationsThatAreNone",
     .text = R"([[routes]]
path = "/a"
to = "a"
[[routes]]
path = "/b"
to = "b"
[[routes]]
path = "/c"
to = "c"
[upstreams]
a = { endpoints = ["10.0.0.1:1"], health = { path = "/", expect = "2xx" } }
b = { endpoints = ["10.0.0.1:1"], health = { path = "/", expect = "100-600" } }
c = { endpoints = ["10.0.0.1:1"], health = { path = "/", expect = 200 } }
[upstreams.base]
endpoints = ["127.0.0.1:5000"]
[[listeners]]
address = "127.0.0.1:8000"
[[routes]]
to = "base"
)",
     .expected =
         R"(11:67: "expect" must be a status from 200 to 599 or a range of them, such as "204" or "200-399", not "2xx"
12:67: "expect" must be a status from 200 to 599 or a range of them, such as "204" or "200-399", not "100-600"
13:67: "expect" must be a string, not an integer
)",
     .context = testing_support::Context::kNothing},
    {.name = "HealthWithoutAPathIsOff",
     .text = R"([[routes]]
path = "/a"
to = "a"
[upstreams.a]
endpoints = ["10.0.0.1:1"]
[upstreams.a.health]
interval = "1s"
)",
     .expected = R"(6:1: warning: health checks are off without path = "/healthz"
)"},
    {.name = "HowIsAskedThatCannotBe",
     .text = R"([[routes]]
path = "/a"
to = "a"
[[routes]]
path = "/b"
to = "b"
[upstreams]
a = { endpoints = ["10.0.0.1:1"], health = { path = "/", host = "*.example.com", headers = { Host = "b" } } }
b = { endpoints = ["10.0.0.1:1"], health = { path = "/", host = "b:0", headers = { Content-Length = "1", x = "\n" } } }
[upstreams.base]
endpoints = ["127.0.0.1:5000"]
[[listeners]]
address = "127.0.0.1:8000"
[[routes]]
to = "base"
)",
     .expected = R"(8:65: "host" must be what clients call it, such as "shop.example.com", not "*.example.com"
8:94: "Host" cannot be set here; see "host"
9:65: "host" must be what clients call it, such as "shop.example.com", not "b:0"
9:84: "Content-Length" cannot be set: it belongs to the connection and the framing of messages, which are ours
9:106: "x": "\n" is no header value: it has a control character
)",
     .context = testing_support::Context::kNothing},
    {.name = "HowIsAskedWithoutAPath",
     .text = R"([[routes]]
path = "/a"
to = "a"
[upstreams.a]
endpoints = ["10.0.0.1:1"]
health = { host = "a.example" }
)",
     .expected =
         R"(4:1: warning: the upstream "a": "host" and "headers" of its health checks have no effect: they have no "path"
)"},
    {.name = "StatusesThatAreNoFailures",
     .text = R"([[routes]]
path = "/a"
to = "a"
[upstreams.a]
endpoints = ["10.0.0.1:1"]
outlier = { statuses = ["500", "399", "504-502", "5xx"] }
)",
     .expected =
         R"(6:32: "statuses" must list statuses from 400 to 599 or ranges of them, such as "500" or "502-504", not "399"
6:39: "statuses" must list statuses from 400 to 599 or ranges of them, such as "500" or "502-504", not "504-502"
6:50: "statuses" must list statuses from 400 to 599 or ranges of them, such as "500" or "502-504", not "5xx"
)"},
    {.name = "OutliersAndStickinessThatAreNone",
     .text = R"([[routes]]
path = "/a"
to = "a"
[upstreams.a]
endpoints = ["10.0.0.1:1"]
outlier = { consecutive_failures = -1, eject_for = "0s", max_ejected = 101 }
sticky = { cookie = "a=b" }
when_all_unhealthy = "fail"
)",
     .expected = R"(6:36: "consecutive_failures" must be from 0 to 4294967295, not -1
6:52: "eject_for" must be from 1ms to 8760h, not "0s"
6:72: "max_ejected" must be from 1 to 100, not 101
7:21: "cookie": "a=b" is no name of a cookie; use letters, digits, "-" and "_"
8:22: "when_all_unhealthy" must be "try" or "refuse", not "fail"
)"},
};

INSTANTIATE_TEST_SUITE_P(Balancing, DiagnosticsTest, testing::ValuesIn(kBalancing), testing_support::name_of_case);

TEST(EndpointText, IsReadAsItIsWritten) {
  for (const char* text :
       {"127.0.0.1:5000", "[::1]:5000", "unix:/run/app.sock", "shop:80", "shop.internal:8080",
        "shop.default.svc.cluster.local.:80", "_http._tcp.shop.internal", "x_y:1", "1and1.example:80"}) {
    const auto endpoint = parse_endpoint(text);
    ASSERT_TRUE(endpoint) << text << ": " << endpoint.error().message;
    EXPECT_EQ(endpoint_text(*endpoint), text);
  }
}

TEST(EndpointText, NamesAreForTheResolverAndAddressesAreNot) {
  EXPECT_TRUE(std::holds_alternative<Address>(*parse_endpoint("localhost:80")));
  EXPECT_EQ(std::get<DnsName>(*parse_endpoint("Shop:80")), (DnsName{.name = "shop", .port = 80}));
  EXPECT_EQ(std::get<DnsName>(*parse_endpoint("_Http._tcp.Shop")), (DnsName{.name = "_http._tcp.shop", .port = 0}));
  const std::string long_label(64, 'a');
  EXPECT_FALSE(parse_endpoint(long_label + ":80"));
  EXPECT_TRUE(parse_endpoint(long_label.substr(1) + ":80"));
}

}  // namespace
}  // namespace gatehouse::config
