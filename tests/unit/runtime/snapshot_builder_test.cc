// A configuration becomes what workers run, what a reload does not touch stays the same object, and what cannot be
// built says where it is written.
#include "proxy/runtime/snapshot_builder.h"

#include <string>
#include <variant>

#include <gtest/gtest.h>

#include "common/event_loop.h"
#include "config/reading/load.h"
#include "proxy/runtime/upstream_settings.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_certificate.h"

namespace gatehouse {
namespace {

using namespace std::chrono_literals;
using namespace testing_support;

class SnapshotBuilderTest : public ::testing::Test {
 protected:
  SnapshotBuilderTest() {
    const PemPair pem = make_certificate();
    folder.write("cert.pem", pem.certificate);
    folder.write("key.pem", pem.private_key);
  }

  config::Config parse(const std::string& text) {
    const config::Loaded loaded =
        config::parse("[log.access]\noutput = \"off\"\n" + text, folder.path() / "gatehouse.toml");
    for (const auto& diagnostic : loaded.diagnostics) {
      EXPECT_EQ(diagnostic.severity, config::Severity::kWarning) << diagnostic.to_string();
    }
    return loaded.config.value_or(config::Config{});
  }

  Snapshot build(const std::string& text) {
    const config::Config config = parse(text);
    auto built = builder.build(config, nullptr);
    EXPECT_TRUE(built.has_value());
    directory.configure(directory_spec(config));
    return built ? *std::move(built) : Snapshot{};
  }

  const TemporaryFolder folder;
  EventLoop loop;
  ControlMetrics counts;
  UpstreamDirectory directory{loop, counts, [] {}};
  SnapshotBuilder builder{1000, directory, "key"};
  const std::string https = R"(
[[listeners]]
address = "127.0.0.1:8443"
[listeners.tls]
certificates = [{ certificate = "cert.pem", private_key = "key.pem" }]
)";
  const std::string shop = R"(
[[routes]]
to = "shop"
[upstreams.shop]
endpoints = ["127.0.0.1:5000", "127.0.0.1:5001"]
)";
};

TEST_F(SnapshotBuilderTest, AnUpstreamKeepsItsMembershipOverAReload) {
  const Snapshot first = build(https + shop);
  const Snapshot second = build(https + shop + "balance = \"round_robin\"\n");
  EXPECT_EQ(&first.upstreams[0]->membership(), &second.upstreams[0]->membership());
  EXPECT_NE(first.upstreams[0], second.upstreams[0]);
  EXPECT_EQ(second.upstreams[0]->options().affinity_key, "key");
  EXPECT_GT(second.generation, first.generation);
}

TEST_F(SnapshotBuilderTest, WhatViaCallsUsIsOfTheProcessTheListenerAndTheRoute) {
  const std::string text =
      https + "[[listeners]]\naddress = \"127.0.0.1:8080\"\n" + shop + "[[routes]]\npath = \"/a\"\nto = \"shop\"\n";
  const Snapshot first = build(text);
  const Snapshot second = build(text);
  SnapshotBuilder elsewhere{1000, directory, "key"};
  const auto other = elsewhere.build(parse(text), nullptr);
  ASSERT_TRUE(other);
  const auto& listeners = first.listeners;
  const auto& routes = first.routes->routes();
  for (const std::string& half : {listeners[0].policy->pseudonym, routes[0].pseudonym}) {
    EXPECT_EQ(half.size(), 12U);
    EXPECT_EQ(half.find_first_not_of("0123456789abcdef"), std::string::npos);
  }
  EXPECT_NE(listeners[0].policy->pseudonym, listeners[1].policy->pseudonym);
  EXPECT_NE(routes[0].pseudonym, routes[1].pseudonym);
  EXPECT_EQ(routes[0].pseudonym, second.routes->routes()[0].pseudonym) << "a reload is no other process";
  EXPECT_EQ(listeners[0].policy->pseudonym, second.listeners[0].policy->pseudonym);
  EXPECT_NE(routes[0].pseudonym, other->routes->routes()[0].pseudonym) << "the same file elsewhere is no loop";
  EXPECT_NE(listeners[0].policy->pseudonym, other->listeners[0].policy->pseudonym);
}

TEST_F(SnapshotBuilderTest, NoViaWhereTheUpstreamOrAppSaysOff) {
  const Snapshot snapshot = build(https + shop + R"(via = "off"
[[routes]]
path = "/web"
to = "web"
[[routes]]
path = "/r"
redirect = "https://a.example"
[apps.web]
command = ["true"]
)");
  const auto& routes = snapshot.routes->routes();
  EXPECT_EQ(routes[0].pseudonym, "");
  EXPECT_NE(routes[1].pseudonym, "");
  EXPECT_EQ(routes[2].pseudonym, "");
}

TEST_F(SnapshotBuilderTest, WhoIsBelievedAndWhatIsStrippedReachThePolicy) {
  const Snapshot snapshot = build(R"(
[[listeners]]
address = "127.0.0.1:8080"
trusted_proxies = ["10.0.0.0/8"]
client_address = "x-real-ip"
strip = ["X-Acme-*"]
[[routes]]
to = "shop"
real_ip = true
[upstreams.shop]
endpoints = ["127.0.0.1:5000"]
)");
  const ListenerPolicy& policy = *snapshot.listeners[0].policy;
  EXPECT_EQ(policy.client_address, ClientAddress::kXRealIp);
  EXPECT_EQ(policy.strip, std::vector<std::string>{"X-Acme-*"});
  EXPECT_TRUE(snapshot.routes->routes()[0].real_ip);
}

TEST_F(SnapshotBuilderTest, ListenersKeepTheirBudgetAndTakeItsLimitOnceInForce) {
  const auto config = parse(https + shop);
  auto first = builder.build(config, nullptr);
  ASSERT_TRUE(first);
  auto limited = config;
  limited.listeners[0].max_connections = 1;
  auto second = builder.build(limited, &*first);
  ASSERT_TRUE(second);
  const auto budget = first->listeners[0].budget;
  ASSERT_EQ(budget, second->listeners[0].budget);
  {
    const auto one = ConnectionPermit::request(budget);
    const auto two = ConnectionPermit::request(budget);
    EXPECT_TRUE(one && two) << "building alone limits nothing";
  }
  builder.committed(limited);
  const auto one = ConnectionPermit::request(budget);
  const auto two = ConnectionPermit::request(budget);
  EXPECT_TRUE(one);
  EXPECT_FALSE(two);
}

TEST_F(SnapshotBuilderTest, LimitsAndTimeoutsReachThePolicyAndTheRoutes) {
  const Snapshot snapshot = build(https + R"(
[limits]
max_header_bytes = 2048
max_header_count = 10
max_target_bytes = 1024
max_streams = 7
max_requests_per_connection = 9
max_request_body = "off"
[timeouts]
header = "3s"
idle = "4s"
response = "5s"
[[routes]]
to = "shop"
[routes.timeouts]
response = "6s"
[routes.limits]
max_request_body = 12
[upstreams.shop]
endpoints = ["127.0.0.1:5000"]
max_requests = 3
queue = 4
queue_timeout = "7s"
pool = { max_idle = 5, idle_timeout = "8s" }
)");
  const ListenerPolicy& policy = *snapshot.listeners[0].policy;
  EXPECT_EQ(policy.head.max_header_bytes, 2048U);
  EXPECT_EQ(policy.head.max_header_count, 10U);
  EXPECT_EQ(policy.head.max_target_bytes, 1024U);
  EXPECT_EQ(policy.connection.max_streams, 7U);
  EXPECT_EQ(policy.connection.max_requests, 9U);
  EXPECT_EQ(policy.connection.header_timeout, 3s);
  EXPECT_EQ(policy.connection.idle_timeout, 4s);
  EXPECT_EQ(policy.exchange.max_request_body, kUnlimited);
  EXPECT_EQ(policy.exchange.response_timeout, 5s);
  const ExchangeLimits& limits = snapshot.routes->routes()[0].limits;
  EXPECT_EQ(limits.response_timeout, 6s);
  EXPECT_EQ(limits.max_request_body, 12U);
  const UpstreamOptions& options = snapshot.upstreams[0]->options();
  EXPECT_EQ(options.max_requests, 3U);
  EXPECT_EQ(options.queue, 4U);
  EXPECT_EQ(options.queue_timeout, 7s);
  EXPECT_EQ(options.pool.max_idle, 5U);
  EXPECT_EQ(options.pool.idle_timeout, 8s);
}

TEST_F(SnapshotBuilderTest, RoutesBecomeWhatTheySay) {
  const Snapshot snapshot = build(https + R"(
[[routes]]
hosts = ["shop.example.com"]
path = "/api"
to = "shop"
strip_prefix = true
preserve_host = false
redirect_to_https = false
[[routes]]
path = "/old"
redirect = "https://www.example.com{uri}"
status = 302
[[routes]]
respond = { status = 410, body = "gone" }
[upstreams.shop]
endpoints = ["127.0.0.1:5000"]
)");
  const Route* api = snapshot.routes->match("shop.example.com", "/api/x");
  ASSERT_NE(api, nullptr);
  EXPECT_EQ(api->name, "shop.example.com/api");
  EXPECT_TRUE(api->strip_prefix);
  EXPECT_FALSE(api->preserve_host);
  EXPECT_FALSE(api->redirect_to_https);
  EXPECT_EQ(std::get<ForwardTo>(api->action).upstream, snapshot.upstreams[0]);
  const Route* old = snapshot.routes->match("any", "/old");
  ASSERT_NE(old, nullptr);
  EXPECT_EQ(std::get<RedirectTo>(old->action).status, 302);
  const Route* rest = snapshot.routes->match("any", "/");
  ASSERT_NE(rest, nullptr);
  EXPECT_EQ(rest->name, "*/");
  EXPECT_EQ(std::get<RespondWith>(rest->action).body, "gone");
}

TEST_F(SnapshotBuilderTest, ACertificateThatCannotBeLoadedIsNamedWithItsPlace) {
  const auto config = parse(https + shop);
  folder.write("cert.pem", "no certificate");
  const auto built = builder.build(config, nullptr);
  ASSERT_FALSE(built);
  ASSERT_EQ(built.error().size(), 1U);
  EXPECT_EQ(built.error()[0].severity, config::Severity::kError);
  EXPECT_NE(built.error()[0].location.line, 0U);
  EXPECT_NE(built.error()[0].message.find("cert.pem"), std::string::npos);
}

TEST_F(SnapshotBuilderTest, AltSvcIsThereWhileQuicIs) {
  auto config = parse(https + shop);
  const auto alt_svc = [&](bool quic) {
    auto snapshot = builder.build(config, nullptr);
    SnapshotBuilder::settle(*snapshot, config, {{"127.0.0.1:8443", {.port = 8443, .tcp = true, .quic = quic}}});
    EXPECT_EQ(snapshot->listeners[0].speaks_h3, quic);
    return snapshot->listeners[0].policy->alt_svc;
  };
  EXPECT_EQ(alt_svc(true), "h3=\":8443\"; ma=86400");
  EXPECT_EQ(alt_svc(false), "");
  config.listeners[0].alt_svc = {.mode = config::AltSvcMode::kPort, .port = 443, .max_age = 60s};
  EXPECT_EQ(alt_svc(true), "h3=\":443\"; ma=60");
  config.listeners[0].alt_svc.mode = config::AltSvcMode::kOff;
  EXPECT_EQ(alt_svc(true), "");
}

TEST_F(SnapshotBuilderTest, LimitsOfOneClientHoldOnceTheConfigurationIsInForce) {
  const auto table_of = [this](const std::string& limits) {
    const auto config = parse(https + shop + limits);
    const auto snapshot = builder.build(config, nullptr);
    builder.committed(config);
    return snapshot->listeners[0].budget->clients();
  };
  const auto standard = table_of("");
  EXPECT_TRUE(standard->limits_connections(false));
  EXPECT_TRUE(standard->limits_handshakes(false));
  EXPECT_FALSE(standard->limits_connections(true));  // loopback
  EXPECT_FALSE(standard->limits_handshakes(true));
  const auto written = table_of("[limits]\nmax_connections_per_client = 1000\nmax_handshakes_per_client = \"off\"\n");
  EXPECT_EQ(written, standard);  // what is counted outlives a reload
  EXPECT_TRUE(written->limits_connections(true));
  EXPECT_FALSE(written->limits_handshakes(false));
}

TEST_F(SnapshotBuilderTest, TheRedirectToHttpsLeadsToThePortThatIsBound) {
  const auto config = parse(https + shop + "[[listeners]]\naddress = \"127.0.0.1:8080\"\nredirect_to_https = true\n");
  auto snapshot = builder.build(config, nullptr);
  ASSERT_TRUE(snapshot);
  SnapshotBuilder::settle(*snapshot, config,
                          {{"127.0.0.1:8443", {.port = 9443, .tcp = true}}, {"127.0.0.1:8080", {.port = 9080}}});
  EXPECT_TRUE(snapshot->listeners[1].policy->redirect_to_https);
  EXPECT_EQ(snapshot->listeners[1].policy->https_port, 9443);
  EXPECT_EQ(snapshot->listeners[1].policy->public_port, 9080);
}

TEST_F(SnapshotBuilderTest, ListenersAreNamedByTheirAddressesAndNeverTheSame) {
  auto config = parse(https + shop);
  config.listeners.resize(4, config.listeners[0]);
  config.listeners[1].address = *Address::parse(":443");
  config.listeners[2].address = *Address::parse("127.0.0.1:0");
  config.listeners[3].address = *Address::parse("127.0.0.1:0");
  EXPECT_EQ(listener_names(config),
            (std::vector<std::string>{"127.0.0.1:8443", ":443", "127.0.0.1:0", "127.0.0.1:0#2"}));
}

TEST_F(SnapshotBuilderTest, AnAccessLogThatStaysTheSameStaysOpen) {
  auto config = parse(https + shop);
  config.log.access.output = (folder.path() / "access.log").string();
  const auto first = builder.build(config, nullptr);
  ASSERT_TRUE(first);
  const auto second = builder.build(config, &*first);
  EXPECT_EQ(first->access_log, second->access_log);
  config.log.access.format = AccessLogFormat::kW3c;
  const auto third = builder.build(config, &*second);
  EXPECT_NE(third->access_log, second->access_log);
  config.log.access.output = "/nonexistent/access.log";
  EXPECT_FALSE(builder.build(config, &*third));
}

}  // namespace
}  // namespace gatehouse
