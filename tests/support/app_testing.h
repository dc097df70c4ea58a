// What the tests of app hosting share: a loop on the system's clock that is turned until something has happened (or the
// test has failed after a generous time), and a host of apps with scripted answers to its probes. Test's thread.
#pragma once

#include <csignal>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "common/clock.h"
#include "common/event_loop.h"
#include "common/timer.h"
#include "proxy/apps/app_host.h"
#include "tests/support/temporary_folder.h"

namespace gatehouse::testing_support {

// The machine's clock; its wall time can be set, as people and sleep do it.
class SettableClock final : public Clock {
 public:
  MonotonicTime monotonic() const override { return system().monotonic(); }
  WallTime wall() const override { return system().wall() + put_forward; }

  std::chrono::seconds put_forward{0};
};

class RealLoopTest : public testing::Test {
 protected:
  // Turns the loop until `done`; fails the test after 20 seconds.
  template <class Predicate>
  bool run_until(Predicate done) {
    bool late = false;
    Timer limit(loop, [&] { late = true; });
    limit.arm(std::chrono::seconds(20));
    Timer look(loop,
               [&] { look.arm(std::chrono::milliseconds(5)); });  // at what no event tells: files, other processes
    look.arm(std::chrono::milliseconds(5));
    while (!done() && !late) loop.turn(EventLoop::Wait::kForEvents);
    EXPECT_FALSE(late) << "nothing came";
    return !late;
  }
  void run_for(Duration time) {
    bool over = false;
    Timer end(loop, [&] { over = true; });
    end.arm(time);
    while (!over) loop.turn(EventLoop::Wait::kForEvents);
  }

  SettableClock clock;
  EventLoop loop{clock};
};

inline bool alive(int pid) {
  return pid > 0 && ::kill(pid, 0) == 0;
}

// A program that listens where it is told and answers nothing; `first` runs before it listens.
inline std::vector<std::string> listening_program(const std::string& first = "", const std::string& then = "") {
  return {
      "python3", "-c",
      "import os,socket,signal,subprocess,sys,time\n" + first +
          "\nif 'LISTEN_FDS' in os.environ: s=socket.socket(fileno=3)\n"
          "elif 'SOCKET' in os.environ:\n s=socket.socket(socket.AF_UNIX); s.bind(os.environ['SOCKET']); s.listen(64)\n"
          "else:\n s=socket.socket(); s.setsockopt(socket.SOL_SOCKET,socket.SO_REUSEADDR,1)\n"
          " s.bind(('127.0.0.1',int(os.environ['PORT']))); s.listen(64)\n" +
          then + "\nwhile True: signal.pause()\n"};
}

class AppHostTest : public RealLoopTest {
 protected:
  AppHostTest() { make_host(folder.path().native()); }

  void make_host(const std::string& runtime_directory) {
    host = std::make_unique<AppHost>(
        loop,
        AppHost::Dependencies{
            .event = [this](AppEvent event) { on_event(std::move(event)); },
            .probe = [this](const AppProbe& probe, AppDependencies::ProbeDone on_status) -> std::shared_ptr<void> {
              probes.push_back(probe);
              if (const auto known = statuses.find(probe.path); known != statuses.end() && known->second == kUnanswered)
                return nullptr;
              auto keep = std::make_shared<Timer>(
                  loop,
                  [status = probe_status(probe), on_status = std::move(on_status)]() mutable { on_status(status); });
              keep->arm(Duration::zero());
              return keep;
            },
            .use = [this](InstanceId id) { return uses[id]; },
            .runtime_directory = runtime_directory});
  }

  static AppSpec spec(std::vector<std::string> command = listening_program()) {
    AppSpec made;
    made.name = "shop";
    made.process.command = std::move(command);
    made.output.kind = AppOutput::kOff;
    made.timing.start_timeout = std::chrono::seconds(15);
    made.timing.stop_timeout = std::chrono::seconds(5);
    return made;
  }

  virtual void on_event(AppEvent event) {
    if (const auto* changed = std::get_if<app_event::Changed>(&event)) {
      view = changed->view;
      states.push_back(std::string(label(view.state)));
    } else if (const auto* drain = std::get_if<app_event::Drain>(&event)) {
      drains.push_back(drain->instance);
      if (reports_drained) loop.post([this, id = drain->instance] { host->drained(id); });
    } else if (const auto* ended = std::get_if<app_event::Ended>(&event)) {
      ends.push_back(std::string(label(ended->reason)));
    } else if (std::holds_alternative<app_event::Started>(event)) {
      ++started;
    } else if (const auto* failed = std::get_if<app_event::StartFailed>(&event)) {
      start_failures.push_back(failed->view);
    }
  }

  std::optional<int> probe_status(const AppProbe& probe) {
    const auto found = statuses.find(probe.path);
    return found == statuses.end() ? std::optional<int>() : found->second;
  }

  std::vector<InstanceView> ready() const {
    std::vector<InstanceView> found;
    for (const InstanceView& instance : view.instances) {
      if (instance.state == InstanceState::kReady) found.push_back(instance);
    }
    return found;
  }
  bool serves() const { return view.state == AppState::kServing; }

  TemporaryFolder folder;
  static constexpr int kUnanswered = -1;
  std::map<std::string, int> statuses;  // of probes, by path; kUnanswered: they wait for ever
  std::map<InstanceId, InstanceUse> uses;
  bool reports_drained = true;
  AppView view;  // of the last Changed
  std::vector<std::string> states;
  std::vector<std::string> ends;
  std::vector<InstanceId> drains;
  std::vector<AppView> start_failures;
  std::vector<AppProbe> probes;
  int started = 0;
  std::unique_ptr<AppHost> host;
};

}  // namespace gatehouse::testing_support
