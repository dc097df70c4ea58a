#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "common/sockets.h"
#include "proxy/apps/process/orphans.h"
#include "proxy/apps/process/process_table.h"
#include "tests/support/app_testing.h"

namespace gatehouse {
namespace {

using namespace std::chrono_literals;
using testing_support::alive;
using testing_support::AppHostTest;
using testing_support::listening_program;

TEST_F(AppHostTest, AThousandWantsStartOneProcess) {
  host->configure({spec()});
  for (int i = 0; i < 1000; ++i) host->want("shop");
  EXPECT_TRUE(states.empty());  // nothing is told from inside a call
  ASSERT_TRUE(run_until([&] { return serves(); }));
  for (int i = 0; i < 1000; ++i) host->want("shop");
  loop.turn(EventLoop::Wait::kNever);
  EXPECT_EQ(states, (std::vector<std::string>{"starting", "serving"}));
  EXPECT_EQ(started, 1);
  EXPECT_EQ(ready().size(), 1U);
  EXPECT_TRUE(sockets::connect(ready()[0].address).has_value());
}

TEST_F(AppHostTest, AnEagerAppStartsAllItsInstancesByItself) {
  AppSpec app = spec();
  app.start = AppStart::kEager;
  app.instances = 3;
  host->configure({app});
  ASSERT_TRUE(run_until([&] { return ready().size() == 3; }));
  std::set<std::uint32_t> slots;
  std::set<std::string> addresses;
  for (const InstanceView& instance : ready()) {
    slots.insert(instance.slot);
    addresses.insert(instance.address.to_string());
  }
  EXPECT_EQ(slots, (std::set<std::uint32_t>{0, 1, 2}));
  EXPECT_EQ(addresses.size(), 3U);
}

TEST_F(AppHostTest, AKilledInstanceIsOutAtOnceAndComesBack) {
  AppSpec app = spec();
  app.start = AppStart::kEager;
  host->configure({app});
  ASSERT_TRUE(run_until([&] { return serves(); }));
  const InstanceView first = ready()[0];
  ::kill(first.pid, SIGKILL);
  ASSERT_TRUE(run_until([&] { return !serves(); }));
  EXPECT_EQ(view.state, AppState::kBackoff);
  EXPECT_EQ(view.failure, ExitReason::kSignaled);
  EXPECT_TRUE(view.failure_text.starts_with("was ended by signal 9 (SIGKILL) after ")) << view.failure_text;
  ASSERT_TRUE(run_until([&] { return serves(); }));
  EXPECT_NE(ready()[0].id, first.id);
  EXPECT_EQ(ready()[0].slot, first.slot);
  EXPECT_EQ(view.failure, std::nullopt);
  EXPECT_EQ(view.restarts, 1U);
  EXPECT_EQ(view.last_exit, ExitReason::kSignaled);
  EXPECT_EQ(ends, (std::vector<std::string>{"signaled"}));
  EXPECT_TRUE(start_failures.empty());
}

TEST_F(AppHostTest, AnAppOnDemandComesBackWithTheNextRequestOnly) {
  host->configure({spec()});
  host->want("shop");
  ASSERT_TRUE(run_until([&] { return serves(); }));
  ::kill(ready()[0].pid, SIGKILL);
  ASSERT_TRUE(run_until([&] { return view.state == AppState::kStopped; }));  // after the back-off
  EXPECT_EQ(started, 1);
  host->want("shop");
  ASSERT_TRUE(run_until([&] { return serves(); }));
}

TEST_F(AppHostTest, ACrashLoopIsParkedWithItsReasonAndOutputAndACommandEndsThat) {
  AppSpec app = spec({"/bin/sh", "-c", "echo the reason; exit 3"});
  app.start = AppStart::kEager;
  app.rapid_fail = {.count = 3, .window = 60s};
  host->configure({app});
  ASSERT_TRUE(run_until([&] { return view.state == AppState::kParked; }));
  EXPECT_EQ(ends, (std::vector<std::string>{"exited", "exited", "exited"}));
  EXPECT_EQ(start_failures.size(), 3U);
  EXPECT_EQ(view.failure, ExitReason::kExited);
  EXPECT_TRUE(view.failure_text.starts_with("exited with status 3 after ")) << view.failure_text;
  EXPECT_EQ(view.last_output, "the reason\n");
  EXPECT_GT(view.retry_at - loop.now(), 50s);
  host->want("shop");  // is no way out
  run_for(300ms);
  EXPECT_EQ(ends.size(), 3U);
  ASSERT_TRUE(host->command("shop", AppHost::Command::kStart).has_value());
  ASSERT_TRUE(run_until([&] { return ends.size() == 4; }));
}

TEST_F(AppHostTest, AChangedSpecUnparks) {
  AppSpec app = spec({"/bin/sh", "-c", "exit 1"});
  app.start = AppStart::kEager;
  app.rapid_fail.count = 1;
  host->configure({app});
  ASSERT_TRUE(run_until([&] { return view.state == AppState::kParked; }));
  app.process.command = listening_program();
  host->configure({app});
  ASSERT_TRUE(run_until([&] { return serves(); }));
}

TEST_F(AppHostTest, AMissingProgramIsToldAndRequestsThatWaitAreAnsweredFor) {
  host->configure({spec({"no-such-program"})});
  host->want("shop");
  ASSERT_TRUE(run_until([&] { return !start_failures.empty(); }));
  EXPECT_EQ(start_failures[0].failure, ExitReason::kExecNotFound);
  EXPECT_EQ(start_failures[0].failure_text, "cannot run no-such-program: not found in PATH");
  EXPECT_EQ(ends, (std::vector<std::string>{"exec_not_found"}));
}

TEST_F(AppHostTest, WhatNeverListensIsKilledAfterTheStartTimeout) {
  AppSpec app = spec({"sleep", "1000"});
  app.timing.start_timeout = 200ms;
  host->configure({app});
  host->want("shop");
  ASSERT_TRUE(run_until([&] { return !start_failures.empty(); }));
  EXPECT_EQ(start_failures[0].failure, ExitReason::kStartTimeout);
}

TEST_F(AppHostTest, WhatNeverAnswersWellIsKilledAsNotReady) {
  AppSpec app = spec();
  app.readiness.path = "/health";
  app.timing.start_timeout = 1500ms;
  statuses["/health"] = 503;
  host->configure({app});
  host->want("shop");
  ASSERT_TRUE(run_until([&] { return !start_failures.empty(); }));
  EXPECT_EQ(start_failures[0].failure, ExitReason::kReadyFailed);
  EXPECT_EQ(start_failures[0].failure_text, "was not ready within 1.5 s: /health answered 503");
  EXPECT_GT(probes.size(), 1U);
}

TEST_F(AppHostTest, ReadyAnswersThenTheWarmUpInItsOrder) {
  AppSpec app = spec();
  app.readiness = {.path = "/health", .warmup = {"/a", "/b"}};
  statuses = {{"/health", 204}, {"/a", 500}, {"/b", 200}};
  host->configure({app});
  host->want("shop");
  ASSERT_TRUE(run_until([&] { return serves(); }));
  std::vector<std::string> paths;
  for (const AppProbe& probe : probes) paths.push_back(probe.path);
  EXPECT_EQ(paths, (std::vector<std::string>{"/health", "/a", "/b"}));
}

TEST_F(AppHostTest, AWarmUpThatIsNotAnsweredIsNamedAsTheReason) {
  AppSpec app = spec();
  app.readiness.warmup = {"/a", "/b"};
  app.timing.start_timeout = 1500ms;
  statuses["/a"] = 200;
  statuses["/b"] = kUnanswered;
  host->configure({app});
  host->want("shop");
  ASSERT_TRUE(run_until([&] { return !start_failures.empty(); }));
  EXPECT_EQ(start_failures[0].failure_text, "was not ready within 1.5 s: /b gave no answer");
}

TEST_F(AppHostTest, APortThatSomebodyElseTookIsNotUsedAndAnotherIsChosen) {
  // The first time a process of another session listens in its place.
  const std::string first = (folder.path() / "first").native();
  AppSpec app = spec(listening_program("f='" + first +
                                       "'\n"
                                       "import pathlib\n"
                                       "if not pathlib.Path(f).exists():\n"
                                       " open(f,'w').write(os.environ['PORT'])\n"
                                       " while True: signal.pause()\n"));
  host->configure({app});
  host->want("shop");
  ASSERT_TRUE(run_until([&] { return std::filesystem::exists(first) && std::filesystem::file_size(first) > 0; }));
  const auto stolen = Address::parse("127.0.0.1:" + testing_support::contents_of(first));
  ASSERT_TRUE(stolen.has_value());
  const auto thief = sockets::listen(*stolen, {.reuse_port = false});
  ASSERT_TRUE(thief.has_value());
  ASSERT_TRUE(run_until([&] { return !start_failures.empty(); }));
  EXPECT_EQ(start_failures[0].failure, ExitReason::kWrongPort);
  host->want("shop");
  ASSERT_TRUE(run_until([&] { return serves(); }));
  EXPECT_FALSE(ready()[0].address == *stolen);
}

TEST_F(AppHostTest, ASocketIsPrivateAndGoneWithItsInstance) {
  AppSpec app = spec();
  app.transport = AppTransport::kSocket;
  host->configure({app});
  host->want("shop");
  ASSERT_TRUE(run_until([&] { return serves(); }));
  EXPECT_TRUE(ready()[0].address.is_unix());
  EXPECT_FALSE(std::filesystem::is_empty(folder.path()));
  host->configure({});
  ASSERT_TRUE(run_until([&] { return host->views().empty() && std::filesystem::is_empty(folder.path()); }));
}

TEST_F(AppHostTest, WithoutARuntimeDirectoryThereAreNoSockets) {
  make_host("");
  AppSpec app = spec();
  app.transport = AppTransport::kSocket;
  host->configure({app});
  host->want("shop");
  ASSERT_TRUE(run_until([&] { return !start_failures.empty(); }));
  EXPECT_EQ(start_failures[0].failure_text, "there is no runtime directory for its socket");
  EXPECT_FALSE(std::filesystem::exists("/app-" + std::to_string(::getpid()) + "-1"));
}

TEST_F(AppHostTest, TheSocketOfAGatehouseThatWasKilledIsInNobodysWay) {
  AppSpec app = spec();
  app.transport = AppTransport::kSocket;
  app.start = AppStart::kEager;
  host->configure({app});
  ASSERT_TRUE(run_until([&] { return serves(); }));
  const std::filesystem::path socket(ready()[0].address.to_string().substr(5));  // after "unix:"
  EXPECT_TRUE(socket.parent_path().filename().native().contains(std::to_string(::getpid())));
  host.reset();
  view = {};
  std::filesystem::create_directory(socket.parent_path());
  std::ofstream(socket) << "left";
  make_host(folder.path().native());
  host->configure({app});
  ASSERT_TRUE(run_until([&] { return serves() || !start_failures.empty(); }));
  EXPECT_TRUE(start_failures.empty());
}

TEST_F(AppHostTest, AnInstanceThatHangsIsReplaced) {
  AppSpec app = spec();
  app.start = AppStart::kEager;
  app.timing.stop_timeout = 100ms;
  host->configure({app});
  ASSERT_TRUE(run_until([&] { return serves(); }));
  const InstanceView before = ready()[0];
  ::kill(before.pid, SIGSTOP);
  host->unresponsive(before.id);
  host->unresponsive(before.id);
  ASSERT_TRUE(run_until([&] { return ready().size() == 1 && ready()[0].id != before.id && !alive(before.pid); }));
  EXPECT_EQ(ready()[0].slot, before.slot);
  EXPECT_EQ(started, 2);
}

TEST_F(AppHostTest, AnInheritedSocketIsKeptOverARestart) {
  AppSpec app = spec();
  app.transport = AppTransport::kInherit;
  app.start = AppStart::kEager;
  host->configure({app});
  ASSERT_TRUE(run_until([&] { return serves(); }));
  const InstanceView before = ready()[0];
  ::kill(before.pid, SIGKILL);
  ASSERT_TRUE(run_until([&] { return serves() && ready()[0].id != before.id; }));
  EXPECT_EQ(ready()[0].address, before.address);
}

TEST_F(AppHostTest, AtMostFourStartAtATime) {
  std::vector<AppSpec> apps;
  for (int i = 0; i < 7; ++i) {
    AppSpec app = spec();
    app.name = "app" + std::to_string(i);
    app.start = AppStart::kEager;
    apps.push_back(app);
  }
  host->configure(apps);
  std::size_t most = 0;
  ASSERT_TRUE(run_until([&] {
    std::size_t now = 0;
    for (const AppView& one : host->views()) {
      now +=
          static_cast<std::size_t>(std::ranges::count(one.instances, InstanceState::kStarting, &InstanceView::state));
    }
    most = std::max(most, now);
    return started == 7;
  }));
  EXPECT_EQ(most, 4U);
}

TEST_F(AppHostTest, WhoIgnoresTheStopSignalIsKilledWithEverythingItHasStarted) {
  become_subreaper();
  const std::string pids = (folder.path() / "pids").native();
  AppSpec app =
      spec(listening_program("signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
                             "if os.fork() == 0:\n"
                             " os.setsid()\n"
                             " if os.fork(): os._exit(0)\n"
                             " open('" +
                             pids +
                             "','w').write(str(os.getpid())+'\\n')\n"
                             " while True: signal.pause()\n"
                             "while not os.path.exists('" +
                             pids + "'): pass\n"));
  app.timing.stop_timeout = 100ms;
  host->configure({app});
  host->want("shop");
  ASSERT_TRUE(run_until([&] { return serves(); }));
  ASSERT_TRUE(run_until([&] { return testing_support::contents_of(pids).ends_with("\n"); }));
  const int leader = ready()[0].pid;
  const int escaped = std::stoi(testing_support::contents_of(pids));
  ASSERT_TRUE(alive(leader) && alive(escaped));
  host->configure({});
  ASSERT_TRUE(run_until([&] { return host->views().empty(); }));
  EXPECT_FALSE(alive(leader));
  const auto is_running = [&] {
    const ProcessTable table = ProcessTable::read();
    return std::ranges::any_of(table.entries(), [&](const ProcessEntry& e) { return e.pid == escaped && !e.zombie; });
  };
  EXPECT_TRUE(run_until([&] { return !is_running(); }));
}

TEST_F(AppHostTest, ShutDownDrainsStopsAndSaysSoOnce) {
  AppSpec app = spec();
  app.start = AppStart::kEager;
  app.instances = 2;
  host->configure({app});
  ASSERT_TRUE(run_until([&] { return ready().size() == 2; }));
  const int pid = ready()[0].pid;
  int done = 0;
  host->shut_down([&] { ++done; });
  EXPECT_EQ(done, 0);
  ASSERT_TRUE(run_until([&] { return done > 0; }));
  run_for(20ms);
  EXPECT_EQ(done, 1);
  EXPECT_EQ(drains.size(), 2U);
  EXPECT_FALSE(alive(pid));
}

TEST_F(AppHostTest, AnAspNetCoreAppIsPairedAndAskedToShutDown) {
  const std::string seen = (folder.path() / "seen").native();
  AppSpec app = spec(listening_program("open('" + seen +
                                       "','w').write(' '.join(k+'='+v for k,v in sorted(os.environ.items()) "
                                       "if k.startswith('ASPNETCORE_') and k != 'ASPNETCORE_URLS'))\n"));
  app.profile = AppProfile::kAspNetCore;
  app.https_port = 8443;
  app.process.environment.emplace_back("ASPNETCORE_APPL_PATH", "/shop");
  statuses["/iisintegration"] = 202;
  host->configure({app});
  host->want("shop");
  ASSERT_TRUE(run_until([&] { return serves(); }));
  const InstanceView instance = ready()[0];
  EXPECT_EQ(instance.pairing_token.size(), 32U);
  EXPECT_EQ(testing_support::contents_of(seen),
            "ASPNETCORE_ANCM_HTTPS_PORT=8443 ASPNETCORE_APPL_PATH=/shop ASPNETCORE_IIS_HTTPAUTH=anonymous; "
            "ASPNETCORE_IIS_WEBSOCKETS_SUPPORTED=true ASPNETCORE_PORT=" +
                std::to_string(instance.address.port()) + " ASPNETCORE_TOKEN=" + instance.pairing_token);
  ASSERT_TRUE(host->command("shop", AppHost::Command::kStop).has_value());
  ASSERT_TRUE(run_until([&] { return view.instances.empty(); }));
  ASSERT_EQ(probes.size(), 1U);
  EXPECT_EQ(probes[0].method + " " + probes[0].path, "POST /iisintegration");
  using Fields = std::vector<std::pair<std::string, std::string>>;
  EXPECT_EQ(probes[0].fields,
            (Fields{{"MS-ASPNETCORE-TOKEN", instance.pairing_token}, {"MS-ASPNETCORE-EVENT", "shutdown"}}));
}

TEST_F(AppHostTest, PlacesOfPortsInTheCommandAreFilledIn) {
  const std::string seen = (folder.path() / "seen").native();
  AppSpec app =
      spec(listening_program("open('" + seen + "','w').write(os.environ['MINE'] + ' {port} ${port} {socket}')\n"));
  app.process.environment = {{"MINE", "--urls=http://*:{port}"}};
  host->configure({app});
  host->want("shop");
  ASSERT_TRUE(run_until([&] { return serves(); }));
  const std::string port = std::to_string(ready()[0].address.port());
  EXPECT_EQ(testing_support::contents_of(seen), "--urls=http://*:" + port + " " + port + " ${port} {socket}");
}

// The contract knows no sockets: nothing pairs with it there, and a message would be a request to the app itself.
TEST_F(AppHostTest, AnAspNetCoreAppOnASocketBelievesTheForwardedFields) {
  const std::string seen = (folder.path() / "seen").native();
  AppSpec app = spec(listening_program("open('" + seen +
                                       "','w').write(' '.join(k+'='+v for k,v in sorted(os.environ.items()) "
                                       "if k.startswith('ASPNETCORE_') and k != 'ASPNETCORE_URLS'))\n"));
  app.profile = AppProfile::kAspNetCore;
  app.transport = AppTransport::kSocket;
  host->configure({app});
  host->want("shop");
  ASSERT_TRUE(run_until([&] { return serves(); }));
  EXPECT_EQ(ready()[0].pairing_token, "");
  EXPECT_EQ(testing_support::contents_of(seen), "ASPNETCORE_FORWARDEDHEADERS_ENABLED=true");
  ASSERT_TRUE(host->command("shop", AppHost::Command::kStop).has_value());
  ASSERT_TRUE(run_until([&] { return view.instances.empty(); }));
  EXPECT_EQ(probes.size(), 0U);
}

}  // namespace
}  // namespace gatehouse
