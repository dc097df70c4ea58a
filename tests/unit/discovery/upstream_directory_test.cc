// Upstreams over configurations: who keeps what, and what the control thread knows of it.
#include "proxy/discovery/upstream_directory.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "common/event_loop.h"
#include "tests/support/app_testing.h"

namespace gatehouse {
namespace {

class UpstreamDirectoryTest : public testing_support::RealLoopTest {
 protected:
  static ListedEndpoint endpoint(const std::string& address, std::uint32_t weight = 1) {
    return {.at = *Address::parse(address), .weight = weight};
  }
  void configure_upstream(std::vector<ListedEndpoint> endpoints) {
    directory.configure({.upstreams = {{.name = "a", .endpoints = std::move(endpoints)}}});
  }
  void configure_app() { directory.configure({.apps = {web}}); }
  std::shared_ptr<const EndpointSet> set(const std::string& upstream) { return directory.membership(upstream)->set(); }

  // An app that starts at once and listens, and answers nothing.
  static HostedAppSpec app_that_serves(std::uint32_t instances = 1) {
    HostedAppSpec spec{.app = {.name = "web", .process = {.command = testing_support::listening_program()}}};
    spec.app.start = AppStart::kEager;
    spec.app.output.kind = AppOutput::kOff;
    spec.app.instances = instances;
    return spec;
  }

  const HostedAppSpec web{.app = {.name = "web", .process = {.command = {"/bin/true"}}}};
  ControlMetrics counts;
  UpstreamDirectory directory{loop, counts, [] {}};
};

TEST_F(UpstreamDirectoryTest, BeforeItIsConfiguredAnUpstreamLetsRequestsWait) {
  EXPECT_TRUE(set("shop")->members.empty());
  EXPECT_EQ(set("shop")->when_none, EndpointSet::WhenNone::kWait);
}

TEST_F(UpstreamDirectoryTest, EndpointsKeepTheirIdentityOverAReload) {
  configure_upstream({endpoint("127.0.0.1:1"), endpoint("127.0.0.1:2")});
  const auto before = set("a");
  configure_upstream({endpoint("127.0.0.1:2", 3), endpoint("127.0.0.1:9")});
  const auto after = set("a");
  ASSERT_EQ(before->members.size(), 2U);
  ASSERT_EQ(after->members.size(), 2U);
  EXPECT_EQ(before->members[1].endpoint, after->members[0].endpoint);
  EXPECT_EQ(after->members[0].weight, 3U);
  EXPECT_NE(before->members[0].endpoint, after->members[1].endpoint);
  EXPECT_EQ(after->when_none, EndpointSet::WhenNone::kRefuse);
}

TEST_F(UpstreamDirectoryTest, AReloadThatChangesNothingLeavesTheSetInForce) {
  configure_upstream({endpoint("127.0.0.1:1")});
  const auto before = set("a");
  configure_upstream({endpoint("127.0.0.1:1")});
  EXPECT_EQ(before, set("a"));
}

TEST_F(UpstreamDirectoryTest, TheSameAddressInTwoUpstreamsIsTwoEndpoints) {
  directory.configure({.upstreams = {{.name = "a", .endpoints = {endpoint("127.0.0.1:1")}},
                                     {.name = "b", .endpoints = {endpoint("127.0.0.1:1")}}}});
  EXPECT_NE(set("a")->members[0].endpoint, set("b")->members[0].endpoint);
}

TEST_F(UpstreamDirectoryTest, AnAppIsAnUpstreamThatWaitsForItsProcess) {
  configure_app();
  EXPECT_TRUE(set("web")->members.empty());
  EXPECT_EQ(set("web")->when_none, EndpointSet::WhenNone::kWait);
  ASSERT_EQ(directory.apps().size(), 1U);
  EXPECT_EQ(directory.apps()[0].state, AppState::kStopped);
}

TEST_F(UpstreamDirectoryTest, AnotherDrainTimeoutDoesNotRecycleAnApp) {
  directory.configure({.apps = {app_that_serves()}});
  ASSERT_TRUE(run_until([&] { return set("web")->members.size() == 1; }));
  const InstanceId first = directory.apps()[0].instances[0].id;
  directory.configure({.apps = {app_that_serves()}, .drain_timeout = std::chrono::seconds(7)});
  // One more instance is the next that is started, and the last: ids are counted.
  directory.configure({.apps = {app_that_serves(2)}, .drain_timeout = std::chrono::seconds(7)});
  ASSERT_TRUE(run_until([&] { return set("web")->members.size() == 2; }));
  const std::vector<InstanceView> instances = directory.apps()[0].instances;
  ASSERT_EQ(instances.size(), 2U);
  EXPECT_EQ(instances[0].id, first);
  EXPECT_EQ(instances[1].id, first + 1);
}

TEST_F(UpstreamDirectoryTest, AnUpstreamWithTheNameOfAFormerAppKeepsItsEndpoints) {
  directory.configure({.apps = {app_that_serves()}});
  ASSERT_TRUE(run_until([&] { return set("web")->members.size() == 1; }));
  directory.configure({.upstreams = {{.name = "web", .endpoints = {endpoint("127.0.0.1:1")}}}});
  const auto listed = set("web");
  ASSERT_EQ(listed->members.size(), 1U);
  EXPECT_EQ(listed->members[0].endpoint->name(), "127.0.0.1:1");
  ASSERT_TRUE(run_until([&] { return directory.apps().empty(); }));
  for (int turns = 0; turns < 10; ++turns) loop.turn(EventLoop::Wait::kNever);
  EXPECT_EQ(set("web"), listed);
}

TEST_F(UpstreamDirectoryTest, AnAppThatComesAndGoesStillLooksAfterItsFirstInstance) {
  const DirectorySpec with{.apps = {app_that_serves()}};
  const DirectorySpec without{.upstreams = {{.name = "a", .endpoints = {endpoint("127.0.0.1:1")}}}};
  directory.configure(with);
  ASSERT_TRUE(run_until([&] { return set("web")->members.size() == 1; }));
  const std::shared_ptr<Endpoint> first = set("web")->members[0].endpoint;
  std::optional<Permit> request = Permit::take(first, 0);
  ASSERT_TRUE(request);
  directory.configure(without);
  ASSERT_TRUE(run_until([&] { return first->has(Obstacle::kNotServing); }));
  directory.configure(with);
  ASSERT_TRUE(run_until([&] { return set("web")->members.size() == 1; }));
  EXPECT_NE(set("web")->members[0].endpoint, first);
  EXPECT_EQ(directory.apps()[0].instances.size(), 2U);
  directory.configure(without);
  ASSERT_TRUE(run_until([&] { return directory.apps()[0].instances.size() == 1; }));
  EXPECT_EQ(directory.apps()[0].instances[0].pid, first->pid());
  request.reset();  // long before its drain timeout
  EXPECT_TRUE(run_until([&] { return directory.apps().empty(); }));
}

TEST_F(UpstreamDirectoryTest, AStoppedAppRefusesUntilItIsStarted) {
  configure_app();
  ASSERT_TRUE(directory.command("web", "stop"));
  while (set("web")->when_none == EndpointSet::WhenNone::kWait) loop.turn(EventLoop::Wait::kForEvents);
  EXPECT_EQ(set("web")->refusal.fault, Fault::kAppStopped);
}

TEST_F(UpstreamDirectoryTest, CommandsThatMeanNothingSaySo) {
  EXPECT_EQ(directory.command("web", "recycle").error().message, "there are no apps in this configuration");
  configure_app();
  EXPECT_FALSE(directory.command("other", "recycle"));
  EXPECT_TRUE(directory.command("web", "dance").error().message.contains("\"dance\" is no command"));
}

TEST_F(UpstreamDirectoryTest, TheScrapeKnowsEndpointsAndApps) {
  directory.configure({.upstreams = {{.name = "a", .endpoints = {endpoint("127.0.0.1:1")}}}, .apps = {web}});
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
