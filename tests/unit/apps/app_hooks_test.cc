// Hooks: what they are told, and that they neither hold the app up nor outlive anything.
#include "proxy/apps/app_hooks.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/app_testing.h"

namespace gatehouse {
namespace {

using namespace std::chrono_literals;
using testing_support::alive;
using testing_support::AppHostTest;
using testing_support::listening_program;

class AppHooksTest : public AppHostTest {
 protected:
  void on_event(AppEvent event) override {
    if (const auto* ended = std::get_if<app_event::HookEnded>(&event)) hooks.push_back(*ended);
    AppHostTest::on_event(std::move(event));
  }
  std::string path(const std::string& name) const { return (folder.path() / name).string(); }
  std::string text(const std::string& name) const {
    std::ifstream file(path(name));
    return {std::istreambuf_iterator<char>(file), {}};
  }
  // A hook that adds its environment to a file, whole or not at all, and then does `then`.
  std::vector<std::string> noting(const std::string& then = "") const {
    return {"/bin/sh", "-c", "env >one && pwd >>one && echo . >>one && cat one >>notes; " + then};
  }
  // What was noted so far: the variables of each run.
  std::vector<std::map<std::string, std::string>> notes() const {
    std::vector<std::map<std::string, std::string>> all(1);
    std::istringstream lines(text("notes"));
    for (std::string line; std::getline(lines, line);) {
      const std::size_t equals = line.find('=');
      if (line == ".") {
        all.emplace_back();
      } else if (equals == std::string::npos) {
        all.back()["directory"] = line;
      } else {
        all.back()[line.substr(0, equals)] = line.substr(equals + 1);
      }
    }
    all.pop_back();
    return all;
  }
  AppSpec eager(std::vector<std::string> command = listening_program()) const {
    AppSpec app = spec(std::move(command));
    app.start = AppStart::kEager;
    app.process.directory = folder.path().string();
    return app;
  }
  std::size_t count(AppHook hook, HookResult result) const {
    return static_cast<std::size_t>(std::ranges::count_if(
        hooks, [&](const app_event::HookEnded& one) { return one.hook == hook && one.result == result; }));
  }

  std::vector<app_event::HookEnded> hooks;
};

TEST_F(AppHooksTest, AStartIsToldInTheAppsOwnEnvironment) {
  setenv("SECRET_OF_OURS", "x", 1);
  folder.write("more", "FROM_FILE=1\n");
  AppSpec app = eager();
  app.instances = 2;
  app.process.environment = {{"ITS_OWN", "2"}};
  app.process.environment_file = path("more");
  app.hooks.started = noting();
  host->configure({app});
  ASSERT_TRUE(run_until([&] { return count(AppHook::kStarted, HookResult::kOk) == 2; }));
  unsetenv("SECRET_OF_OURS");
  ASSERT_EQ(notes().size(), 2U);
  std::vector<std::string> slots;
  for (auto& told : notes()) {
    EXPECT_EQ(told["GATEHOUSE_APP"], "shop");
    EXPECT_EQ(told["GATEHOUSE_EVENT"], "started");
    EXPECT_EQ(told["GATEHOUSE_REASON"], "ready");
    EXPECT_EQ(told["directory"], folder.path().string());
    EXPECT_EQ(told["FROM_FILE"], "1");
    EXPECT_EQ(told["ITS_OWN"], "2");
    EXPECT_FALSE(told.contains("SECRET_OF_OURS"));
    EXPECT_FALSE(told.contains("PORT"));
    const auto instance = std::ranges::find(view.instances, std::stoi(told["GATEHOUSE_PID"]), &InstanceView::pid);
    ASSERT_NE(instance, view.instances.end());
    EXPECT_EQ(std::to_string(instance->slot), told["GATEHOUSE_INSTANCE"]);
    slots.push_back(told["GATEHOUSE_INSTANCE"]);
  }
  std::ranges::sort(slots);
  EXPECT_EQ(slots, (std::vector<std::string>{"0", "1"}));
  EXPECT_EQ(hooks.size(), 2U);
}

TEST_F(AppHooksTest, ARecycleIsToldWithItsReasonAndIsNoStart) {
  AppSpec app = eager();
  app.hooks.started = noting();
  app.hooks.recycled = noting();
  host->configure({app});
  ASSERT_TRUE(run_until([&] { return hooks.size() == 1; }));
  ASSERT_TRUE(host->command("shop", AppHost::Command::kRecycle).has_value());
  ASSERT_TRUE(run_until([&] { return hooks.size() == 2; }));
  app.process.environment = {{"A", "1"}};
  host->configure({app});
  ASSERT_TRUE(run_until([&] { return hooks.size() == 3; }));
  ASSERT_TRUE(run_until([&] { return ends.size() == 2; }));
  const auto told = notes();
  ASSERT_EQ(told.size(), 3U);
  EXPECT_EQ(told[0].at("GATEHOUSE_EVENT"), "started");
  for (const std::size_t i : {1U, 2U}) EXPECT_EQ(told[i].at("GATEHOUSE_EVENT"), "recycled");
  EXPECT_EQ(told[1].at("GATEHOUSE_REASON"), "command");
  EXPECT_EQ(told[2].at("GATEHOUSE_REASON"), "configuration");
  EXPECT_EQ(told[2].at("GATEHOUSE_PID"), std::to_string(ready()[0].pid));
}

TEST_F(AppHooksTest, FailuresAreToldUntilTheAppIsParkedWhichIsOneToo) {
  AppSpec app = eager({"/bin/sh", "-c", "exit 3"});
  app.rapid_fail = {.count = 3, .window = 60s};
  app.hooks.failed = noting();
  host->configure({app});
  ASSERT_TRUE(run_until([&] { return count(AppHook::kFailed, HookResult::kOk) == 3; }));
  std::vector<std::string> reasons;
  for (const auto& told : notes()) {
    EXPECT_EQ(told.at("GATEHOUSE_EVENT"), "failed");
    EXPECT_TRUE(told.contains("GATEHOUSE_PID"));
    reasons.push_back(told.at("GATEHOUSE_REASON"));
  }
  EXPECT_EQ(reasons, (std::vector<std::string>{"exited", "exited", "parked"}));
}

TEST_F(AppHooksTest, OneThatFailsIsCountedWhateverTheWay) {
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{"/bin/false"}, {"/nonexistent/hook"}, {"/bin/sh", "-c", "kill -KILL $$"}}) {
    hooks.clear();
    make_host(folder.path().native());
    AppSpec app = eager();
    app.hooks.started = command;
    host->configure({app});
    ASSERT_TRUE(run_until([&] { return !hooks.empty(); }));
    EXPECT_EQ(hooks[0].result, HookResult::kFailed) << command[0];
    EXPECT_TRUE(serves());
  }
}

TEST_F(AppHooksTest, OneThatDoesNotEndIsEndedWithAllThatItHasStarted) {
  AppSpec app = eager();
  app.hooks.started = {"/bin/sh", "-c", "setsid sleep 3600 & echo $! >child; exec sleep 3600"};
  app.hooks.timeout = 1500ms;
  host->configure({app});
  ASSERT_TRUE(run_until([&] { return text("child").ends_with('\n'); }));
  const int child = std::stoi(text("child"));
  EXPECT_TRUE(alive(child));
  ASSERT_TRUE(run_until([&] { return !hooks.empty(); }));
  EXPECT_EQ(hooks[0].result, HookResult::kTimeout);
  EXPECT_TRUE(run_until([&] { return !alive(child); }));
}

TEST_F(AppHooksTest, WhatOneLeavesBehindIsEnded) {
  AppSpec app = eager();
  app.hooks.started = {"/bin/sh", "-c", "setsid sleep 3600 & echo $! >child"};
  host->configure({app});
  ASSERT_TRUE(run_until([&] { return !hooks.empty(); }));
  EXPECT_EQ(hooks[0].result, HookResult::kOk);
  const int child = std::stoi(text("child"));
  EXPECT_TRUE(run_until([&] { return !alive(child); }));
}

TEST_F(AppHooksTest, NeitherStartNorStopOfTheAppWaitForOne) {
  AppSpec app = eager();
  app.hooks.started = app.hooks.recycled = {"/bin/sh", "-c", "echo $$ >pid; exec sleep 3600"};
  host->configure({app});
  ASSERT_TRUE(run_until([&] { return serves() && text("pid").ends_with('\n'); }));
  const int hook = std::stoi(text("pid"));
  ASSERT_TRUE(host->command("shop", AppHost::Command::kRecycle).has_value());
  ASSERT_TRUE(run_until([&] { return ends.size() == 1; }));
  EXPECT_TRUE(alive(hook));
  bool stopped = false;
  host->shut_down([&] { stopped = true; });
  ASSERT_TRUE(run_until([&] { return stopped; }));
  EXPECT_FALSE(alive(hook)) << "it does not outlive the app";
  EXPECT_TRUE(hooks.empty());
}

TEST_F(AppHooksTest, OtherHooksAreTakenOverWithoutTouchingTheApp) {
  AppSpec app = eager();
  host->configure({app});
  ASSERT_TRUE(run_until([&] { return serves(); }));
  const InstanceView before = ready()[0];
  app.hooks.recycled = noting();
  host->configure({app});
  ASSERT_TRUE(host->command("shop", AppHost::Command::kRecycle).has_value());
  ASSERT_TRUE(run_until([&] { return hooks.size() == 1; }));
  EXPECT_EQ(ready().size(), 1U);
  EXPECT_EQ(ready()[0].generation, before.generation + 1) << "by the command alone";
}

TEST_F(AppHooksTest, ItsOutputIsTheApps) {
  AppSpec app = eager();
  app.output = {.kind = AppOutput::kFile, .path = path("output")};
  app.hooks.started = {"/bin/sh", "-c", "echo to the channel"};
  host->configure({app});
  ASSERT_TRUE(run_until([&] { return !hooks.empty(); }));
  EXPECT_TRUE(run_until([&] { return text("output") == "to the channel\n"; }));
}

TEST_F(AppHooksTest, OneRunsAtATimeAndBeyondAFewMoreTheRestIsDropped) {
  AppContext context{.loop = loop, .dependencies = {}, .reconcile = Waker(loop, [] {})};
  AppHooks runs(context);
  auto app = std::make_shared<AppSpec>(eager());
  app->hooks.started = {"/bin/sh", "-c", "mkdir only && echo $GATEHOUSE_INSTANCE >>order && sleep 0.02 && rmdir only"};
  app->hooks.failed = {"/bin/true"};
  constexpr std::uint32_t kHappened = 20;
  for (std::uint32_t i = 0; i < kHappened; ++i) {
    runs.happened(app, {.hook = AppHook::kStarted, .slot = i, .reason = "ready"});
    runs.happened(app, {.hook = AppHook::kRecycled, .slot = i, .reason = "age"});  // has no program
  }
  runs.happened(app, {.hook = AppHook::kFailed, .reason = "exited"});  // does not wait for other kinds
  std::vector<app_event::HookEnded> over = runs.take_ended();
  EXPECT_EQ(over.size(), kHappened - 1 - AppHooks::kMostWaiting);
  for (const auto& one : over) EXPECT_EQ(one.result, HookResult::kDropped);
  ASSERT_TRUE(run_until([&] {
    std::ranges::move(runs.take_ended(), std::back_inserter(over));
    return over.size() == kHappened + 1;
  }));
  EXPECT_EQ(std::ranges::count(over, HookResult::kOk, &app_event::HookEnded::result), 1 + 8 + 1) << "one after another";
  EXPECT_EQ(text("order"), "0\n1\n2\n3\n4\n5\n6\n7\n8\n");
}

TEST_F(AppHooksTest, WhoGoesTakesWhatRunsAlong) {
  AppContext context{.loop = loop, .dependencies = {}, .reconcile = Waker(loop, [] {})};
  int hook = 0;
  {
    AppHooks runs(context);
    auto app = std::make_shared<AppSpec>(eager());
    app->hooks.failed = {"/bin/sh", "-c", "trap '' TERM; echo $$ >pid; sleep 3600"};
    runs.happened(app, {.hook = AppHook::kFailed, .reason = "exited"});
    ASSERT_TRUE(run_until([&] { return text("pid").ends_with('\n'); }));
    hook = std::stoi(text("pid"));
    EXPECT_TRUE(alive(hook));
  }
  EXPECT_FALSE(alive(hook));
}

}  // namespace
}  // namespace gatehouse
