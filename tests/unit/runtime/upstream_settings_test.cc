// What a configuration says of upstreams and apps, as those have it who carry it out.
#include "proxy/runtime/upstream_settings.h"

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "config/reading/load.h"
#include "tests/support/temporary_folder.h"

namespace gatehouse {
namespace {

TEST(UpstreamSettings, EndpointsChecksAndAppsAreHandedOnAsConfigured) {
  const testing_support::TemporaryFolder folder;
  const config::Loaded loaded = config::parse(R"(
[server]
drain_timeout = "7s"
[[listeners]]
address = "127.0.0.1:8080"
[[routes]]
to = "shop"
[[routes]]
path = "/web"
to = "web"
[upstreams.shop]
endpoints = ["127.0.0.1:1", { address = "shop.internal:8080", weight = 3 }, "_http._tcp.shop.internal"]
health = { path = "/healthz" }
outlier = { consecutive_failures = 9 }
[apps.web]
command = ["/bin/true"]
)",
                                              folder.path() / "gatehouse.toml");
  for (const auto& diagnostic : loaded.diagnostics) {
    EXPECT_EQ(diagnostic.severity, config::Severity::kWarning) << diagnostic.to_string();
  }
  ASSERT_TRUE(loaded.config.has_value());
  const DirectorySpec spec = directory_spec(*loaded.config, {});
  ASSERT_EQ(spec.upstreams.size(), 1U);
  const UpstreamSpec& shop = spec.upstreams[0];
  EXPECT_EQ(shop.name, "shop");
  EXPECT_EQ(shop.health.path, "/healthz");
  EXPECT_EQ(shop.outlier.consecutive_failures, 9U);
  EXPECT_EQ(shop.endpoints,
            (std::vector<ListedEndpoint>{{.at = *Address::parse("127.0.0.1:1")},
                                         {.at = DnsQuestion{.name = "shop.internal", .port = 8080}, .weight = 3},
                                         {.at = DnsQuestion{.name = "_http._tcp.shop.internal"}}}));
  ASSERT_EQ(spec.apps.size(), 1U);
  EXPECT_EQ(spec.apps[0].app.name, "web");
  EXPECT_EQ(spec.drain_timeout, std::chrono::seconds(7));
  EXPECT_TRUE(spec.apps[0].health.path.empty());
}

TEST(UpstreamSettings, WhatBecomesOfRequestsWhereAllAreUnhealthyIsHandedOn) {
  EXPECT_EQ(upstream_options({}).when_all_unhealthy, WhenAllUnhealthy::kTry);
  EXPECT_EQ(upstream_options({.when_all_unhealthy = WhenAllUnhealthy::kRefuse}).when_all_unhealthy,
            WhenAllUnhealthy::kRefuse);
}

TEST(UpstreamSettings, AnAspNetCoreAppIsToldOfTheOnePortWithTls) {
  config::Config config;
  config.apps = {{.name = "web", .profile = AppProfile::kAspNetCore}, {.name = "other"}};
  const auto ports = [&] {
    const DirectorySpec spec = directory_spec(config, {});
    return std::vector<std::uint16_t>{spec.apps[0].app.https_port, spec.apps[1].app.https_port};
  };
  config.listeners.push_back({.address = *Address::parse("127.0.0.1:8080")});
  EXPECT_EQ(ports(), (std::vector<std::uint16_t>{0, 0}));
  config.listeners.push_back({.address = *Address::parse("127.0.0.1:8443"), .tls = config::Tls{}});
  config.listeners.push_back({.address = *Address::parse("[::1]:8443"), .tls = config::Tls{}});
  EXPECT_EQ(ports(), (std::vector<std::uint16_t>{8443, 0}));
  config.listeners.push_back({.address = *Address::parse("127.0.0.1:9443"), .tls = config::Tls{}});
  EXPECT_EQ(ports(), (std::vector<std::uint16_t>{0, 0}));
}

class AskedLikeAClient : public ::testing::Test {
 protected:
  using Headers = std::vector<std::pair<std::string, std::string>>;

  AskedLikeAClient() {
    config.upstreams.push_back({.name = "shop"});
    config.apps.push_back({.name = "web"});
    config.listeners.push_back({.address = *Address::parse("127.0.0.1:8443"), .tls = config::Tls{}});
  }
  void route(const std::string& to, std::vector<std::string> hosts, bool preserve_host = true) {
    config::Route one;
    one.hosts = std::move(hosts);
    one.action = config::Forward{.upstream = to, .location = {}};
    one.preserve_host = preserve_host;
    config.routes.push_back(std::move(one));
  }
  HealthOptions health() const { return directory_spec(config, {}).upstreams[0].health; }
  AppSpec::Asked app() const { return directory_spec(config, {}).apps[0].app.asked; }

  config::Config config;
};

TEST_F(AskedLikeAClient, TheOneHostOfItsRoutesAndTlsAreWhatClientsHave) {
  route("shop", {"shop.example.com"});
  route("shop", {"shop.example.com", "*.shop.example.com"});
  route("shop", {});
  route("web", {"web.example.com"});
  EXPECT_EQ(health().host, "shop.example.com");
  EXPECT_EQ(health().headers, (Headers{{"X-Forwarded-Proto", "https"}, {"X-Forwarded-Host", "shop.example.com"}}));
  EXPECT_EQ(app().host, "web.example.com");
  EXPECT_EQ(app().headers, (Headers{{"X-Forwarded-Proto", "https"}, {"X-Forwarded-Host", "web.example.com"}}));
}

TEST_F(AskedLikeAClient, OfSeveralHostsOrNoneNobodyKnowsWhich) {
  route("shop", {"shop.example.com", "example.com"});
  route("web", {"*.example.com"});
  config.listeners.front().tls.reset();
  EXPECT_EQ(health().host, "");
  EXPECT_EQ(health().headers, (Headers{{"X-Forwarded-Proto", "http"}}));
  EXPECT_EQ(app().host, "");
}

TEST_F(AskedLikeAClient, WhereTheHostIsReplacedItIsForwardedOnly) {
  route("shop", {"shop.example.com"}, false);
  EXPECT_EQ(health().host, "");
  EXPECT_EQ(health().headers.at(1), (std::pair<std::string, std::string>("X-Forwarded-Host", "shop.example.com")));
}

TEST_F(AskedLikeAClient, WhatIsSaidStays) {
  route("shop", {"shop.example.com"});
  config.upstreams[0].balancing.health = {.host = "inner:1", .headers = {{"x-forwarded-proto", "http"}, {"A", "b"}}};
  EXPECT_EQ(health().host, "inner:1");
  EXPECT_EQ(health().headers, (Headers{{"x-forwarded-proto", "http"}, {"A", "b"}, {"X-Forwarded-Host", "inner:1"}}));
}

}  // namespace
}  // namespace gatehouse
