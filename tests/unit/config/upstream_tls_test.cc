#include <gtest/gtest.h>

#include "config/reading/load.h"
#include "config/target_rules.h"
#include "config/to_toml.h"
#include "tests/support/diagnostics_case.h"

namespace gatehouse::config {
namespace {

using testing_support::DiagnosticsCase;
using testing_support::DiagnosticsTest;

// What an upstream may say of TLS. What its files are shows on the machine only.
const DiagnosticsCase kUpstreamTls[] = {
    {.name = "EndpointsWithHttps",
     .text = R"([[routes]]
path = "/x"
to = "a"
[upstreams.a]
endpoints = ["https://api.internal:8443", { address = "https://[::1]/", weight = 2 }, "http://10.0.0.1", "10.0.0.2:80"]
[upstreams.a.tls]
server_name = "API.internal"
)",
     .expected = ""},
    {.name = "EndpointsWithHttpsThatAreNone",
     .text = R"([[routes]]
path = "/x"
to = "a"
[upstreams.a]
endpoints = ["https://unix:/run/a.sock", "https://a/b", "https://10.0.0.1:0", "https://10.0.0.1", "https://10.0.0.1:443"]
)",
     .expected = R"(5:14: "https://unix:/run/a.sock": a Unix socket is spoken to without TLS
5:42: "https://a/b" is no endpoint: it has a path; write "https://a", and rewrite = "/b{path}" in the routes that lead here
5:57: "10.0.0.1:0" is no endpoint: it needs the address of a host and a port, such as "127.0.0.1:5000"
5:99: the endpoint "https://10.0.0.1:443" is listed twice
)"},
    {.name = "TlsThatNobodySpeaks",
     .text = R"([[routes]]
path = "/x"
to = "a"
[upstreams.a]
endpoints = ["10.0.0.1:443"]
[upstreams.a.tls]
ca = "ca.pem"
)",
     .expected = R"(6:1: [upstreams.a.tls] is for endpoints such as "https://api.internal:8443"; this upstream has none
)"},
    {.name = "WhatContradictsItself",
     .text = R"([[routes]]
path = "/x"
to = "a"
[upstreams.a]
endpoints = ["https://10.0.0.1"]
[upstreams.a.tls]
ca = "ca.pem"
san = "spiffe://x/y"
server_name = "a b"
certificate = "c.pem"
insecure = true
)",
     .expected =
         R"(6:1: warning: insecure = true: whoever stands between can be the upstream "a", read and change everything; name its CA by "ca" instead
7:6: "ca" has no meaning with insecure = true: nothing is verified
8:7: "san" has no meaning with insecure = true: nothing is verified
9:15: "server_name": "a b" is neither a name nor an IP address
10:15: "certificate" needs "private_key" beside it
)"},
    {.name = "AServiceHasNoNameForCertificates",
     .text = R"([[routes]]
path = "/x"
to = "a"
[upstreams.a]
endpoints = ["https://_https._tcp.shop.internal"]
)",
     .expected =
         R"(5:14: "https://_https._tcp.shop.internal" does not say which name its certificates have; add server_name to [upstreams.a.tls]
)"},
};

INSTANTIATE_TEST_SUITE_P(UpstreamTls, DiagnosticsTest, testing::ValuesIn(kUpstreamTls), testing_support::name_of_case);

TEST(EndpointUrl, IsWrittenAsItIsRead) {
  for (const char* text : {"https://127.0.0.1:5000", "https://[::1]:443", "https://localhost:8443", "https://api:8443",
                           "https://_https._tcp.shop.internal", "127.0.0.1:5000", "shop:80", "unix:/run/a.sock"}) {
    const auto endpoint = parse_endpoint_url(text);
    ASSERT_TRUE(endpoint) << text << ": " << endpoint.error().message;
    EXPECT_EQ(endpoint_text(*endpoint), text);
  }
  EXPECT_EQ(endpoint_text(*parse_endpoint_url("HTTPS://Api.Internal/")), "https://api.internal:443");
  EXPECT_EQ(endpoint_text(*parse_endpoint_url("http://api.internal")), "api.internal:80");
  // Its address is known, and its name is still what certificates are for.
  EXPECT_EQ(parse_endpoint_url("https://localhost")->tls_host, "localhost");
}

TEST(UpstreamTlsToToml, IsReadAsItWasWritten) {
  Config config;
  Upstream& upstream = config.upstreams.emplace_back();
  upstream.name = "a";
  upstream.endpoints.push_back(*parse_endpoint_url("https://api.internal"));
  upstream.tls = {.location = {},
                  .ca = "/etc/ca.pem",
                  .server_name = "api",
                  .san = "spiffe://x/y",
                  .certificate = "/etc/c.pem",
                  .private_key = "/etc/k.pem"};
  const std::string text = to_toml(config);
  const Loaded loaded = parse("[[listeners]]\naddress = \":1\"\n[[routes]]\nto = \"a\"\n" + text, "file");
  ASSERT_TRUE(loaded.config) << text;
  const UpstreamTls& tls = loaded.config->upstreams[0].tls;
  EXPECT_EQ(tls.ca, upstream.tls.ca);
  EXPECT_EQ(tls.server_name, upstream.tls.server_name);
  EXPECT_EQ(tls.san, upstream.tls.san);
  EXPECT_EQ(tls.certificate, upstream.tls.certificate);
  EXPECT_EQ(tls.private_key, upstream.tls.private_key);
  EXPECT_FALSE(tls.insecure);
}

}  // namespace
}  // namespace gatehouse::config
