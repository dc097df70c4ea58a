#include "config/to_toml.h"

#include <chrono>
#include <csignal>
#include <string>
#include <utility>
#include <variant>

#include <gtest/gtest.h>

#include "config/reading/load.h"

namespace gatehouse::config {
namespace {

using namespace std::chrono_literals;

// Every key, none with its default; what is written has the order and the form of to_toml.
constexpr std::string_view kEverything = R"([server]
workers = 3
admin = "unix:/run/admin"
admin_names = ["gatehouse.internal", "gw"]
control = "/run/control"
registrations = "/run/registrations"
drain_timeout = "0s"
drain_delay = "15s"
watch = true
secret_file = "/run/secret"
quic_server_id = "0a01ff"
quic_config_id = 6

[log]
level = "debug"
output = "journal"
redact = ["token", "pin"]

[log.access]
output = "/var/log/access.log"
format = "w3c"

[[listeners]]
address = "[::]:8443"
protocols = ["h1", "h3"]
trusted_proxies = ["10.0.0.0/8", "fd00::/8", "unix"]
client_address = "forwarded"
strip = ["X-Acme-*", "X-Tenant"]
plain_on_tls = "redirect"
max_connections = 10
alt_svc = 443
alt_svc_max_age = "90m"

[listeners.quic]
congestion_control = "bbr"

[listeners.tls]
certificates = [{ certificate = "/a/c.pem", private_key = "/a/k.pem", passphrase_file = "/a/open" }, { certificate = "/b/c.p12" }]
unknown_sni = "reject"
min_version = "1.3"
session_tickets = false
client_auth = "require"
client_ca = "/a/clients.pem"

[[listeners]]
address = "127.0.0.1:8080"
protocols = ["h1", "h2c"]
trusted_proxies = ["10.0.0.0/8"]
proxy_protocol = "require"
redirect_to_https = true

[[listeners]]
address = "unix:/run/gatehouse.sock"

[listeners.tls]
certificates = [{ certificate = "/a/c.pem", private_key = "/a/k.pem" }]
ticket_key_files = ["/a/new.key", "/a/old.key"]

[[listeners]]
address = "127.0.0.1:8444"
alt_svc = "off"

[listeners.tls]
certificates = [{ certificate = "/a/c.pem", private_key = "/a/k.pem" }]

[[listeners]]
address = "127.0.0.1:8445"
alt_svc_frame = true

[listeners.tls]
certificates = [{ certificate = "/a/c.pem", private_key = "/a/k.pem" }]

[[routes]]
hosts = ["a.example", "*.b.example"]
path = "/a%C3%A9/b"
to = "app"
strip_prefix = true
preserve_host = false
path_as = "canonical"
rewrite = "/new{path}"
redirect_to_https = false
forwarded = "rfc7239"
real_ip = true
half_closed = "abort"
protocols = ["h1"]
grpc = "web"
push = true
early_hints = true
allow = ["10.0.0.0/8", "::1/128", "unix"]
deny = ["10.1.0.0/16"]
auth = { schemes = ["Negotiate", "Basic"], keytab = "/a/http.keytab", users = "/a/users", anonymous = true, channel_binding = "require" }

[routes.request_headers]
set = { "X-B" = "1", "X-A" = "costs $$5 in $${HOME}" }
add = { "X-C" = "\"quoted\" \\ \t end" }
remove = ["Cookie"]

[routes.response_headers]
set = { "Server" = "" }

[routes.limits]
max_request_body = "off"
min_request_rate = 10
min_response_rate = 0
bandwidth = 500

[routes.timeouts]
request_body = "1ms"
connect = "1500ms"
response = "90s"
response_body = "2h"
response_write = "3h"

[[routes]]
path = "/r"
redirect = "https://a.example{uri}"
status = 301

[[routes]]
path = "/s"
respond = { status = 503, body = "line\nline\n" }

[routes.limits]
max_request_body = 5

[[routes]]
path = "/files"
files = "/srv/site"
try = ["{path}", "/index.html"]
index = ["index.html", "index.htm"]
follow_links = true

[[routes]]
path = "/t"
to = "app"
connection_auth = true

[upstreams.app]
endpoints = ["127.0.0.1:5000", "[::1]:5000", "unix:/run/app.sock"]
proxy_protocol = "v2"
balance = "round_robin"
max_requests = 7
queue = 0
queue_timeout = "1s"
when_all_unhealthy = "refuse"
via = "off"
tolerance = "lenient"
delegate_to = ["other.app", "web"]
send_file = ["/srv/files", { prefix = "/protected/", folder = "/srv/other" }]

[upstreams.app.pool]
idle_timeout = "5s"
max_idle = 0

[upstreams."other.app"]
endpoints = ["shop.internal:6000", { address = "_http._tcp.shop.internal", weight = 7 }]
balance = "hash"
hash_on = "cookie:session"

[upstreams."other.app".health]
path = "/healthz?deep"
host = "shop.example.com:8443"
headers = { "X-Tenant" = "a", "X-Forwarded-Proto" = "http" }
interval = "1s"
timeout = "200ms"
unhealthy_after = 3
healthy_after = 4
expect = "204"
initial = "wait"
slow_start = "30s"

[upstreams."other.app".outlier]
consecutive_failures = 0
statuses = ["429", "500", "502-504"]
eject_for = "5s"
max_ejected = 100

[upstreams."other.app".sticky]
cookie = "affinity"

[apps.web]
command = ["dotnet", "Shop.dll", "--title", "costs $$5"]
directory = "/srv/shop"
environment = { "B" = "2", "A" = "1=$${A}" }
environment_file = "/etc/shop.env"
environment_from = ["SHOP_KEY", "DB_*"]
user = "shop"
instances = 3
start = "eager"
transport = "socket"
profile = "aspnetcore"
ready_path = "/ready"
warmup = ["/", "/a?b=c"]
start_timeout = "1s"
stop_timeout = "0s"
stop_signal = "SIGINT"
offline_file = ""
output = "file:/var/log/shop.log"
error_page = "detailed"
balance = "random"
max_requests = 5
queue = 6
queue_timeout = "7s"

[apps.web.rapid_fail]
count = 0
window = "10s"

[apps.web.recycle]
every = "24h"
at = ["15:30", "03:00"]
requests = 1000
memory = 1073741824
on_change = ["/srv/shop/bin", "/etc/shop.conf"]

[apps.web.hooks]
started = ["notify", "up"]
failed = ["/srv/page", "--all"]
recycled = ["true"]
timeout = "5s"

[apps.web.pool]
max_idle = 1

[apps.web.health]
path = "/healthz"
expect = "200-299"

[apps.web.outlier]
max_ejected = 1

[apps.web.sticky]
cookie = "c"

[apps."web.2"]
command = ["/srv/run"]
directory = "/srv"
transport = "inherit"
idle_stop = "1h"
output = "inherit"

[[reservations]]
prefix = "https://shop.example/orders/"
user = "orders"

[[reservations]]
prefix = "https://+/"
group = "staff"
whole_port = true

[limits]
max_connections = 100
max_requests_per_connection = 9
max_streams = 8
max_request_body = "off"
max_header_bytes = 4096
max_header_count = 50
max_target_bytes = 1000
min_request_rate = 0
min_response_rate = 100
bandwidth = 1048576
max_connections_per_client = 7
max_handshakes_per_client = "20/m"

[timeouts]
handshake = "1s"
header = "2s"
idle = "3s"
request_body = "4s"
connect = "6s"
response = "7s"
response_body = "8s"
response_write = "9s"
linger = "10s"
)";

TEST(ToToml, WritesEveryKeyAsItWasRead) {
  const Loaded loaded = parse(kEverything, "test.toml");
  ASSERT_TRUE(loaded.config) << (loaded.diagnostics.empty() ? "" : loaded.diagnostics[0].to_string());
  EXPECT_EQ(to_toml(*loaded.config), kEverything);
}

// Where a listener asks clients for certificates, as one does above, there is no cache.
TEST(ToToml, WritesWhatIsKept) {
  constexpr std::string_view kKept = R"([[listeners]]
address = "127.0.0.1:8080"

[[routes]]
to = "app"
cache = "http"
cache_obeys_clients = true

[upstreams.app]
endpoints = ["127.0.0.1:5000"]
)";
  const Loaded loaded = parse(kKept, "test.toml");
  ASSERT_TRUE(loaded.config);
  EXPECT_EQ(to_toml(*loaded.config), kKept);
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

TEST(ToToml, UpstreamsAndAppsAreWhatWasWritten) {
  const Config config = parse(kEverything, "test.toml").config.value();
  const Upstream& upstream = config.upstreams[1];
  EXPECT_EQ(std::get<DnsName>(upstream.endpoints[0].at), (DnsName{.name = "shop.internal", .port = 6000}));
  EXPECT_EQ(std::get<DnsName>(upstream.endpoints[1].at), (DnsName{.name = "_http._tcp.shop.internal", .port = 0}));
  EXPECT_EQ(upstream.endpoints[1].weight, 7U);
  EXPECT_EQ(upstream.balancing.hash_on, HashOn::kCookie);
  EXPECT_EQ(upstream.balancing.hash_name, "session");
  EXPECT_EQ(upstream.balancing.health.expect_first, 204);
  EXPECT_EQ(upstream.balancing.health.expect_last, 204);
  EXPECT_EQ(upstream.balancing.health.initial, InitialHealth::kWait);
  EXPECT_EQ(upstream.balancing.sticky_cookie, "affinity");
  ASSERT_EQ(config.apps.size(), 2U);
  const App& app = config.apps[0];
  EXPECT_EQ(app.command.back(), "costs $5");
  EXPECT_EQ(app.environment[0].first, "B");  // the order of the file
  EXPECT_EQ(app.environment[1].second, "1=${A}");
  EXPECT_EQ(app.stop_signal, SIGINT);
  EXPECT_EQ(app.rapid_fail.count, 0U);
  EXPECT_EQ(app.recycle.memory, 1024U * 1024 * 1024);
  EXPECT_EQ(app.recycle.on_change[0], "/srv/shop/bin");
  EXPECT_EQ(app.output_path, "/var/log/shop.log");
  EXPECT_TRUE(app.detailed_errors);
  EXPECT_EQ(app.balancing.health.expect_last, 299);
  EXPECT_EQ(config.apps[1].transport, AppTransport::kInherit);
  EXPECT_EQ(config.apps[1].start, AppStart::kOnDemand);
  EXPECT_EQ(config.apps[1].idle_stop, 1h);
}

// As the command line makes one.
TEST(ToToml, WritesNoDefaultsOfAConfigurationMadeInMemory) {
  Config config;
  Listener& listener = config.listeners.emplace_back();
  listener.address = *Address::parse("127.0.0.1:8443");
  listener.tls = Tls{.certificates = {{.certificate = "/c.pem", .private_key = "/k.pem"}}};
  listener.protocols = default_protocols(listener);
  config.routes.push_back({.action = Forward{.upstream = "app"}});
  config.upstreams.push_back({.name = "app", .endpoints = {{.at = *Address::parse("127.0.0.1:5000")}}});
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
