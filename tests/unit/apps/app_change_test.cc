#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/app_testing.h"

namespace gatehouse {
namespace {

class AppChangeTest : public testing_support::AppHostTest {};

using namespace std::chrono_literals;
using testing_support::alive;
using testing_support::listening_program;

TEST_F(AppChangeTest, ARecycleOverlapsAndDrainsTheOldOne) {
  reports_drained = false;
  host->configure({spec()});
  host->want("shop");
  ASSERT_TRUE(run_until([&] { return serves(); }));
  const InstanceView old = ready()[0];
  ASSERT_TRUE(host->command("shop", AppHost::Command::kRecycle).has_value());
  ASSERT_TRUE(run_until([&] { return !drains.empty(); }));
  EXPECT_EQ(drains, (std::vector<InstanceId>{old.id}));
  ASSERT_EQ(ready().size(), 1U);
  EXPECT_GT(ready()[0].generation, old.generation);
  EXPECT_EQ(ready()[0].slot, old.slot);
  run_for(100ms);
  EXPECT_TRUE(alive(old.pid));
  EXPECT_TRUE(
      std::ranges::all_of(states, [&](const auto& s) { return s == states[0] || s == states[1] || s == "serving"; }));
  host->drained(old.id);
  ASSERT_TRUE(run_until([&] { return !alive(old.pid); }));
  EXPECT_EQ(ends, (std::vector<std::string>{"stopped"}));
}

TEST_F(AppChangeTest, WhatIsNeverDrainedIsStoppedAfterItsTime) {
  reports_drained = false;
  host->configure({spec()});
  host->want("shop");
  ASSERT_TRUE(run_until([&] { return serves(); }));
  host->set_drain_timeout(100ms);  // holds for what runs already
  ASSERT_TRUE(host->command("shop", AppHost::Command::kRecycle));
  ASSERT_TRUE(run_until([&] { return ends.size() == 1; }));
  EXPECT_TRUE(serves());
}

TEST_F(AppChangeTest, ABrokenReleaseNeverTakesTraffic) {
  AppSpec app = spec();
  host->configure({app});
  host->want("shop");
  ASSERT_TRUE(run_until([&] { return serves(); }));
  const InstanceView old = ready()[0];
  app.process.command = {"/bin/sh", "-c", "exit 9"};
  host->configure({app});
  ASSERT_TRUE(run_until([&] { return view.recycle_failed; }));
  run_for(400ms);
  EXPECT_EQ(ends, (std::vector<std::string>{"exited"}));  // it is not tried again and again
  ASSERT_EQ(ready().size(), 1U);
  EXPECT_EQ(ready()[0].id, old.id);
  EXPECT_EQ(view.failure, ExitReason::kExited);
  EXPECT_TRUE(drains.empty());
  app.process.command = listening_program();
  host->configure({app});
  ASSERT_TRUE(run_until([&] { return serves() && ready()[0].id != old.id && ready().size() == 1; }));
  EXPECT_FALSE(view.recycle_failed);
}

TEST_F(AppChangeTest, AnUnchangedSpecIsNotTouchedAndOneThatIsGoneIsStopped) {
  AppSpec other = spec();
  other.name = "other";
  other.start = AppStart::kEager;
  AppSpec app = spec();
  app.start = AppStart::kEager;
  host->configure({app, other});
  ASSERT_TRUE(run_until([&] { return started == 2; }));
  const int pid = host->views()[1].instances[0].pid;
  host->configure({app});
  ASSERT_TRUE(run_until([&] { return host->views().size() == 1; }));
  EXPECT_EQ(host->views()[0].instances[0].pid, pid);
  EXPECT_EQ(started, 2);
}

TEST_F(AppChangeTest, AFewRequestsOrAChangedFileReplaceAnInstance) {
  AppSpec app = spec();
  app.recycle.requests = 100;
  folder.write("site/app.py", "1");
  app.recycle.on_change = {(folder.path() / "site").native()};
  host->configure({app});
  host->want("shop");
  ASSERT_TRUE(run_until([&] { return serves(); }));
  uses[ready()[0].id].requests = 100;
  ASSERT_TRUE(run_until([&] { return started == 2 && ends.size() == 1; }));
  folder.write("site/app.py", "2");
  ASSERT_TRUE(run_until([&] { return started == 3 && ends.size() == 2; }));
  EXPECT_TRUE(serves());
}

TEST_F(AppChangeTest, AnInstanceThatHoldsTooMuchMemoryIsReplacedWithItsChildrenCounted) {
  AppSpec app = spec(listening_program("", "if not os.path.exists('" + (folder.path() / "fat").native() +
                                               "'):\n open('" + (folder.path() / "fat").native() +
                                               "','w')\n if os.fork() == 0: x = bytearray(b'x' * 200000000)"));
  app.recycle.memory = 150'000'000;
  host->configure({app});
  host->want("shop");
  ASSERT_TRUE(run_until([&] { return started == 2 && ends.size() == 1; }));
  EXPECT_TRUE(serves());
}

TEST_F(AppChangeTest, WhatItIsAskedLikeChangesWithoutAnotherProcess) {
  AppSpec app = spec();
  app.readiness = {.path = "/health", .warmup = {"/a"}};
  statuses = {{"/health", 200}, {"/a", 200}};
  app.asked = {.host = "shop.example.com", .headers = {{"X-Forwarded-Proto", "https"}}};
  host->configure({app});
  host->want("shop");
  ASSERT_TRUE(run_until([&] { return serves(); }));
  ASSERT_EQ(probes.size(), 2U);
  for (const AppProbe& probe : probes) {
    EXPECT_EQ(probe.host, "shop.example.com") << probe.path;
    EXPECT_EQ(probe.fields, (decltype(probe.fields){{"X-Forwarded-Proto", "https"}})) << probe.path;
  }
  const InstanceId id = ready()[0].id;
  app.asked.host = "other.example.com";
  app.instances = 2;
  host->configure({app});
  ASSERT_TRUE(run_until([&] { return ready().size() == 2; }));
  EXPECT_EQ(ready()[0].id, id);
  EXPECT_EQ(started, 2);
  EXPECT_EQ(probes.back().host, "other.example.com");
}

TEST_F(AppChangeTest, AnIdleAppIsStoppedAndARequestThatRacesKeepsIt) {
  AppSpec app = spec();
  app.timing.idle_stop = 100ms;
  reports_drained = false;
  host->configure({app});
  host->want("shop");
  ASSERT_TRUE(run_until([&] { return serves(); }));
  const InstanceId id = ready()[0].id;
  ASSERT_TRUE(run_until([&] { return drains.size() == 1; }));
  uses[id] = {.requests = 1, .in_flight = 1};
  host->drained(id);
  ASSERT_TRUE(run_until([&] { return serves(); }));
  EXPECT_EQ(ready()[0].id, id);
  uses[id].in_flight = 0;
  ASSERT_TRUE(run_until([&] { return drains.size() == 2; }));
  host->want("shop");
  ASSERT_TRUE(run_until([&] { return serves(); }));
  EXPECT_EQ(ready()[0].id, id);
  ASSERT_TRUE(run_until([&] { return drains.size() == 3; }));
  host->drained(id);
  ASSERT_TRUE(run_until([&] { return view.state == AppState::kStopped && view.instances.empty(); }));
  EXPECT_EQ(started, 1);
  EXPECT_EQ(ends, (std::vector<std::string>{"stopped"}));
}

TEST_F(AppChangeTest, AnOfflineFileStopsTheAppForAsLongAsItIsThere) {
  AppSpec app = spec();
  app.offline_file = (folder.path() / "app_offline.htm").native();
  host->configure({app});
  host->want("shop");
  ASSERT_TRUE(run_until([&] { return serves(); }));
  folder.write("app_offline.htm", "<h1>Back soon</h1>");
  ASSERT_TRUE(run_until([&] { return view.state == AppState::kOffline && view.instances.empty(); }));
  EXPECT_EQ(view.offline_body, "<h1>Back soon</h1>");
  EXPECT_EQ(view.offline_type, "text/html; charset=utf-8");
  host->want("shop");
  EXPECT_FALSE(host->command("shop", AppHost::Command::kStart).has_value());
  EXPECT_FALSE(host->command("shop", AppHost::Command::kOnline).has_value());
  std::filesystem::remove(app.offline_file);
  ASSERT_TRUE(run_until([&] { return view.state == AppState::kStopped; }));
  EXPECT_EQ(started, 1);
  host->want("shop");
  ASSERT_TRUE(run_until([&] { return serves(); }));
}

TEST_F(AppChangeTest, CommandsStopStartAndTakeOffline) {
  host->configure({spec()});
  host->want("shop");
  ASSERT_TRUE(run_until([&] { return serves(); }));
  EXPECT_EQ(host->command("shop", AppHost::Command::kStop).value(),
            "shop is being stopped, and stays so until it is started by command");
  ASSERT_TRUE(run_until([&] { return view.state == AppState::kStopped && view.instances.empty(); }));
  EXPECT_TRUE(view.stopped_by_command);
  host->want("shop");
  run_for(100ms);
  EXPECT_EQ(started, 1);
  EXPECT_TRUE(host->command("shop", AppHost::Command::kStart).has_value());
  ASSERT_TRUE(run_until([&] { return serves(); }));
  EXPECT_TRUE(host->command("shop", AppHost::Command::kOffline).has_value());
  ASSERT_TRUE(run_until([&] { return view.state == AppState::kOffline && view.instances.empty(); }));
  EXPECT_EQ(host->command("shop", AppHost::Command::kOnline).value(), "shop is online; the next request starts it");
  ASSERT_TRUE(run_until([&] { return view.state == AppState::kStopped; }));
  EXPECT_EQ(host->command("nothing", AppHost::Command::kStop).error().message, "there is no app \"nothing\"");
}

}  // namespace
}  // namespace gatehouse
