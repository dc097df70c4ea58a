// Upstreams over configurations: who keeps what, and what the control thread knows of it.
#include "proxy/discovery/upstream_directory.h"

#include <string>

#include <gtest/gtest.h>

#include "common/event_loop.h"
#include "config/reading/load.h"
#include "tests/support/temporary_folder.h"

namespace gatehouse {
namespace {

class UpstreamDirectoryTest : public testing::Test {
 protected:
  config::Config parse(const std::string& upstreams) {
    const auto loaded =
        config::parse("[[listeners]]\naddress = \"127.0.0.1:8080\"\n[log.access]\noutput = \"off\"\n" + upstreams,
                      folder.path() / "gatehouse.toml");
    for (const auto& diagnostic : loaded.diagnostics) {
      EXPECT_EQ(diagnostic.severity, config::Severity::kWarning) << diagnostic.to_string();
    }
    return loaded.config.value_or(config::Config{});
  }
  std::shared_ptr<const EndpointSet> set(const std::string& upstream) { return directory.membership(upstream)->set(); }

  const testing_support::TemporaryFolder folder;
  EventLoop loop;
  ControlMetrics counts;
  UpstreamDirectory directory{loop, counts, [] {}};
};

TEST_F(UpstreamDirectoryTest, BeforeItIsConfiguredAnUpstreamLetsRequestsWait) {
  EXPECT_TRUE(set("shop")->members.empty());
  EXPECT_EQ(set("shop")->when_none, EndpointSet::WhenNone::kWait);
}

TEST_F(UpstreamDirectoryTest, EndpointsKeepTheirIdentityOverAReload) {
  directory.configure(parse("[[routes]]\nto = \"a\"\n[upstreams.a]\nendpoints = [\"127.0.0.1:1\", \"127.0.0.1:2\"]\n"));
  const auto before = set("a");
  directory.configure(
      parse("[[routes]]\nto = \"a\"\n[upstreams.a]\nendpoints = [{ address = \"127.0.0.1:2\", weight = 3 }, "
            "\"127.0.0.1:9\"]\n"));
  const auto after = set("a");
  ASSERT_EQ(before->members.size(), 2U);
  ASSERT_EQ(after->members.size(), 2U);
  EXPECT_EQ(before->members[1].endpoint, after->members[0].endpoint);
  EXPECT_EQ(after->members[0].weight, 3U);
  EXPECT_NE(before->members[0].endpoint, after->members[1].endpoint);
  EXPECT_EQ(after->when_none, EndpointSet::WhenNone::kRefuse);
}

TEST_F(UpstreamDirectoryTest, AReloadThatChangesNothingLeavesTheSetInForce) {
  const auto config = parse("[[routes]]\nto = \"a\"\n[upstreams.a]\nendpoints = [\"127.0.0.1:1\"]\n");
  directory.configure(config);
  const auto before = set("a");
  directory.configure(config);
  EXPECT_EQ(before, set("a"));
}

TEST_F(UpstreamDirectoryTest, TheSameAddressInTwoUpstreamsIsTwoEndpoints) {
  directory.configure(
      parse("[[routes]]\nto = \"a\"\n[[routes]]\npath = \"/b\"\nto = \"b\"\n"
            "[upstreams.a]\nendpoints = [\"127.0.0.1:1\"]\n[upstreams.b]\nendpoints = [\"127.0.0.1:1\"]\n"));
  EXPECT_NE(set("a")->members[0].endpoint, set("b")->members[0].endpoint);
}

TEST_F(UpstreamDirectoryTest, AnAppIsAnUpstreamThatWaitsForItsProcess) {
  directory.configure(parse("[[routes]]\nto = \"web\"\n[apps.web]\ncommand = [\"/bin/true\"]\n"));
  EXPECT_TRUE(set("web")->members.empty());
  EXPECT_EQ(set("web")->when_none, EndpointSet::WhenNone::kWait);
  ASSERT_EQ(directory.apps().size(), 1U);
  EXPECT_EQ(directory.apps()[0].state, AppState::kStopped);
}

TEST_F(UpstreamDirectoryTest, AStoppedAppRefusesUntilItIsStarted) {
  directory.configure(parse("[[routes]]\nto = \"web\"\n[apps.web]\ncommand = [\"/bin/true\"]\n"));
  ASSERT_TRUE(directory.command("web", "stop"));
  while (set("web")->when_none == EndpointSet::WhenNone::kWait) loop.turn(EventLoop::Wait::kForEvents);
  EXPECT_EQ(set("web")->refusal.fault, Fault::kAppStopped);
}

TEST_F(UpstreamDirectoryTest, CommandsThatMeanNothingSaySo) {
  EXPECT_EQ(directory.command("web", "recycle").error().message, "there are no apps in this configuration");
  directory.configure(parse("[[routes]]\nto = \"web\"\n[apps.web]\ncommand = [\"/bin/true\"]\n"));
  EXPECT_FALSE(directory.command("other", "recycle"));
  EXPECT_TRUE(directory.command("web", "dance").error().message.contains("\"dance\" is no command"));
}

TEST_F(UpstreamDirectoryTest, TheScrapeKnowsEndpointsAndApps) {
  directory.configure(
      parse("[[routes]]\nto = \"a\"\n[upstreams.a]\nendpoints = [\"127.0.0.1:1\"]\n"
            "[[routes]]\npath = \"/web\"\nto = \"web\"\n[apps.web]\ncommand = [\"/bin/true\"]\n"));
  set("a")->members[0].endpoint->set(Obstacle::kUnhealthy);
  directory.note(counts);
  ASSERT_EQ(counts.endpoints.size(), 1U);
  EXPECT_EQ(counts.endpoints[0].upstream, "a");
  EXPECT_FALSE(counts.endpoints[0].healthy);
  ASSERT_EQ(counts.apps.size(), 1U);
  EXPECT_FALSE(counts.apps[0].parked);
}

}  // namespace
}  // namespace gatehouse
