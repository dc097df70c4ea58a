// What a configuration says of upstreams and apps, as those have it who carry it out.
#include "proxy/runtime/upstream_settings.h"

#include <chrono>
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
  const DirectorySpec spec = directory_spec(*loaded.config);
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

}  // namespace
}  // namespace gatehouse
