// A configuration becomes what workers run, what a reload does not touch stays the same object, and what cannot be
// built says where it is written.
#include "proxy/runtime/snapshot_builder.h"

#include <memory>
#include <string>
#include <variant>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/forward/delegation.h"
#include "tests/support/snapshot_builder_case.h"

namespace gatehouse {
namespace {

using namespace std::chrono_literals;
using namespace testing_support;

using SnapshotBuilderTest = SnapshotBuilderCase;

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
  const config::Config config = parse(text);
  const auto other = elsewhere.build(config, *material(config, nullptr), nullptr);
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
path_as = "canonical"
rewrite = "/v2{path}"
redirect_to_https = false
half_closed = "abort"
protocols = ["h1"]
push = true
early_hints = true
[[routes]]
path = "/old"
redirect = "https://www.example.com{uri}"
status = 302
allow = ["10.0.0.0/8"]
deny = ["10.1.0.0/16"]
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
  EXPECT_EQ(api->path_as, PathAs::kCanonical);
  EXPECT_EQ(api->rewrite, "/v2{path}");
  EXPECT_FALSE(api->redirect_to_https);
  EXPECT_TRUE(api->push);
  EXPECT_TRUE(api->early_hints);
  EXPECT_EQ(api->limits.half_closed, HalfClosed::kAbort);
  EXPECT_EQ(std::get<ForwardTo>(api->action).upstream, snapshot.upstreams[0]);
  const Route* old = snapshot.routes->match("any", "/old");
  ASSERT_NE(old, nullptr);
  EXPECT_EQ(old->limits.half_closed, HalfClosed::kServe);
  EXPECT_TRUE(api->h1_only);
  EXPECT_FALSE(old->h1_only);
  EXPECT_FALSE(api->connection_auth);
  EXPECT_EQ(std::get<RedirectTo>(old->action).status, 302);
  EXPECT_TRUE(api->address_gate.open());
  EXPECT_TRUE(old->address_gate.admits(Address::parse("10.0.0.1:1").value()));
  EXPECT_FALSE(old->address_gate.admits(Address::parse("10.1.0.1:1").value()));
  EXPECT_FALSE(old->address_gate.admits(Address::parse("192.0.2.1:1").value()));
  const Route* rest = snapshot.routes->match("any", "/");
  ASSERT_NE(rest, nullptr);
  EXPECT_EQ(rest->name, "*/");
  EXPECT_EQ(std::get<RespondWith>(rest->action).body, "gone");
}

TEST_F(SnapshotBuilderTest, UpstreamsMayHandRequestsToThoseThatTheyListAndNoCircleKeepsThemAlive) {
  std::weak_ptr<const Upstream> orders;
  {
    const Snapshot snapshot = build(https + R"(
[[routes]]
path = "/a"
to = "router"
[[routes]]
path = "/b"
to = "reports"
[upstreams.router]
endpoints = ["127.0.0.1:5000"]
delegate_to = ["orders", "reports"]
[upstreams.orders]
endpoints = ["127.0.0.1:5001"]
delegate_to = ["router"]
[upstreams.reports]
endpoints = ["127.0.0.1:5002"]
)");
    const auto& router = std::get<ForwardTo>(snapshot.routes->match("any", "/a")->action);
    ASSERT_NE(router.delegator, nullptr);
    EXPECT_EQ(router.delegator->upstream, router.upstream);
    ASSERT_EQ(router.delegator->targets.size(), 2U);
    EXPECT_EQ(router.delegator->targets[0]->upstream, snapshot.upstreams[1]);
    EXPECT_EQ(router.delegator->targets[1]->upstream, snapshot.upstreams[2]);
    ASSERT_EQ(router.delegator->targets[0]->targets.size(), 1U);
    EXPECT_EQ(router.delegator->targets[0]->targets[0], router.delegator.get());
    EXPECT_EQ(std::get<ForwardTo>(snapshot.routes->match("any", "/b")->action).delegator, nullptr);
    orders = snapshot.upstreams[1];
    EXPECT_FALSE(orders.expired());
  }
  EXPECT_TRUE(orders.expired());
}

TEST_F(SnapshotBuilderTest, AnAccessLogThatStaysTheSameStaysOpen) {
  auto config = parse(https + shop);
  config.log.access.output = (folder.path() / "access.log").string();
  const auto first = build(config, nullptr);
  ASSERT_TRUE(first);
  const auto second = build(config, &*first);
  EXPECT_EQ(first->access_log, second->access_log);
  config.log.access.format = AccessLogFormat::kW3c;
  const auto third = build(config, &*second);
  EXPECT_NE(third->access_log, second->access_log);
  config.log.access.output = "/nonexistent/access.log";
  EXPECT_FALSE(build(config, &*third));
}

TEST_F(SnapshotBuilderTest, ATlsClientIsKeptForAsLongAsItsFilesSayTheSame) {
  folder.write("ca.pem", make_certificate().certificate);
  const config::Config config = parse(R"(
[[listeners]]
address = "127.0.0.1:8080"
[[routes]]
to = "shop"
[upstreams.shop]
endpoints = ["https://localhost:1", "127.0.0.1:2"]
[upstreams.shop.tls]
ca = "ca.pem"
)");
  const auto first = build(config, nullptr);
  ASSERT_TRUE(first);
  const auto& client = first->tls_clients.at("shop");
  const DirectorySpec spec = directory_spec(config, first->tls_clients);
  EXPECT_EQ(spec.upstreams[0].endpoints[0].tls, client);
  EXPECT_EQ(spec.upstreams[0].endpoints[0].tls_name, "localhost");
  EXPECT_EQ(spec.upstreams[0].endpoints[1].tls, nullptr);

  const auto second = build(config, &*first);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->tls_clients.at("shop"), client);
  folder.write("ca.pem", make_certificate().certificate);
  const auto third = build(config, &*second);
  ASSERT_TRUE(third);
  EXPECT_NE(third->tls_clients.at("shop"), client);
  folder.write("ca.pem", "nothing");
  const auto broken = build(config, &*third);
  ASSERT_FALSE(broken);
  EXPECT_NE(broken.error()[0].to_string().find("ca.pem: there is no certificate in it"), std::string::npos)
      << broken.error()[0].to_string();
}

}  // namespace
}  // namespace gatehouse
