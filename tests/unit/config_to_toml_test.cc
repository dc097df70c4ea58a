#include <chrono>
#include <string>
#include <utility>
#include <variant>

#include <gtest/gtest.h>

#include "config/load.h"
#include "config/to_toml.h"

namespace gatehouse::config {
namespace {

using namespace std::chrono_literals;

// Every key, none with its default; what is written has the order and the form of to_toml.
constexpr std::string_view kEverything = R"([server]
workers = 3
admin = "unix:/run/admin"
control = "/run/control"
drain_timeout = "0s"

[log]
level = "debug"
output = "journal"

[log.access]
output = "/var/log/access.log"
format = "w3c"

[[listeners]]
address = "[::]:8443"
protocols = ["h1", "h3"]
trusted_proxies = ["10.0.0.0/8", "fd00::/8", "unix"]
max_connections = 10
alt_svc = 443
alt_svc_max_age = "90m"

[listeners.quic]
congestion_control = "bbr"

[listeners.tls]
certificates = [{ certificate = "/a/c.pem", private_key = "/a/k.pem" }, { certificate = "/b/c.pem", private_key = "/b/k.pem" }]
unknown_sni = "reject"
min_version = "1.3"
session_tickets = false

[[listeners]]
address = "127.0.0.1:8080"
protocols = ["h1", "h2c"]
redirect_to_https = true

[[listeners]]
address = "unix:/run/gatehouse.sock"

[listeners.tls]
certificates = [{ certificate = "/a/c.pem", private_key = "/a/k.pem" }]

[[listeners]]
address = "127.0.0.1:8444"
alt_svc = "off"

[listeners.tls]
certificates = [{ certificate = "/a/c.pem", private_key = "/a/k.pem" }]

[[routes]]
hosts = ["a.example", "*.b.example"]
path = "/a%2B/b"
to = "app"
strip_prefix = true
preserve_host = false
forwarded = "rfc7239"

[routes.request_headers]
set = { "X-B" = "1", "X-A" = "costs $$5 in $${HOME}" }
add = { "X-C" = "\"quoted\" \\ \t end" }
remove = ["Cookie"]

[routes.response_headers]
set = { "Server" = "" }

[routes.limits]
max_request_body = "off"

[routes.timeouts]
request_body = "1ms"
connect = "1500ms"
response = "90s"
response_body = "2h"

[[routes]]
path = "/r"
redirect = "https://a.example{uri}"
status = 301

[[routes]]
path = "/s"
respond = { status = 503, body = "line\nline\n" }

[routes.limits]
max_request_body = 5

[upstreams.app]
endpoints = ["127.0.0.1:5000", "[::1]:5000", "unix:/run/app.sock"]
balance = "round_robin"
max_requests = 7
queue = 0
queue_timeout = "1s"

[upstreams.app.pool]
idle_timeout = "5s"
max_idle = 0

[upstreams."other.app"]
endpoints = ["127.0.0.1:6000"]

[limits]
max_connections = 100
max_requests_per_connection = 9
max_streams = 8
max_request_body = "off"
max_header_bytes = 4096
max_header_count = 50
max_target_bytes = 1000

[timeouts]
handshake = "1s"
header = "2s"
idle = "3s"
request_body = "4s"
connect = "6s"
response = "7s"
response_body = "8s"
)";

TEST(ToToml, WritesEveryKeyAsItWasRead) {
  const Loaded loaded = parse(kEverything, "test.toml");
  ASSERT_TRUE(loaded.config) << (loaded.diagnostics.empty() ? "" : loaded.diagnostics[0].to_string());
  EXPECT_EQ(to_toml(*loaded.config), kEverything);
}

TEST(ToToml, WhatWasReadIsWhatWasWritten) {
  const Config config = parse(kEverything, "test.toml").config.value();
  EXPECT_FALSE(config.limits.max_request_body);
  EXPECT_EQ(config.listeners[0].alt_svc.mode, AltSvcMode::kPort);
  EXPECT_EQ(config.listeners[0].alt_svc.max_age, 90min);
  EXPECT_EQ(config.listeners[2].protocols, (Protocols{.h1 = true, .h2 = true}));
  const Route& route = config.routes[0];
  EXPECT_EQ(route.request_headers.set[0], std::pair(std::string("X-B"), std::string("1")));  // the order of the file
  EXPECT_EQ(route.request_headers.set[1].second, "costs $5 in ${HOME}");
  EXPECT_FALSE(limits_of(config, route).max_request_body);
  EXPECT_EQ(timeouts_of(config, route).connect, 1500ms);
  EXPECT_EQ(timeouts_of(config, route).idle, 3s);
  EXPECT_EQ(limits_of(config, config.routes[2]).max_request_body, 5U);
  EXPECT_EQ(timeouts_of(config, config.routes[1]).connect, 6s);
  EXPECT_EQ(std::get<Respond>(config.routes[2].action).body, "line\nline\n");
}

// As the command line makes one.
TEST(ToToml, WritesNoDefaultsOfAConfigurationMadeInMemory) {
  Config config;
  Listener& listener = config.listeners.emplace_back();
  listener.address = *Address::parse("127.0.0.1:8443");
  listener.tls = Tls{.certificates = {{.certificate = "/c.pem", .private_key = "/k.pem"}}};
  listener.protocols = default_protocols(listener);
  config.routes.push_back({.action = Forward{.upstream = "app"}});
  config.upstreams.push_back({.name = "app", .endpoints = {{.address = *Address::parse("127.0.0.1:5000")}}});
  config.server.admin = std::nullopt;
  const std::string text = to_toml(config);
  EXPECT_EQ(text, R"([server]
admin = ""

[[listeners]]
address = "127.0.0.1:8443"

[listeners.tls]
certificates = [{ certificate = "/c.pem", private_key = "/k.pem" }]

[[routes]]
to = "app"

[upstreams.app]
endpoints = ["127.0.0.1:5000"]
)");
  const Loaded again = parse(text, "test.toml");
  ASSERT_TRUE(again.config);
  EXPECT_EQ(to_toml(*again.config), text);
}

}  // namespace
}  // namespace gatehouse::config
