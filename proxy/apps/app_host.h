// Keeps the apps of the configuration running as they shall: reconciles wanted with running, one Instance for each
// process, at most four starting at a time over all apps. Knows nothing of requests or endpoints: commands in, events
// out, all of them values, so that it could live in another process. Owned by the UpstreamDirectory, which makes it
// with the first configuration that has apps; control thread, which must be the one that lives as long as the
// process, because apps die with the thread that started them. Events are emitted in order from the loop, never from
// inside a call of one of these functions.
//
//   UpstreamDirectory --configure, want, drained, unresponsive, refused, command--> AppHost -owns-> App -owns-> Instance
//           ^                                                                         |
//           +--- posted --- Changed, StartFailed, Started, Ended, Drain --------------+
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "proxy/apps/app_dependencies.h"
#include "proxy/apps/app_spec.h"
#include "proxy/apps/app_view.h"

namespace gatehouse {

class EventLoop;

class AppHost {
 public:
  using Dependencies = AppDependencies;

  // Starts nothing yet. Where the process is PID 1 it reaps everybody's orphans from here on, with or without apps.
  AppHost(EventLoop& loop, Dependencies dependencies);
  // Kills what still runs, with all that it has started, and waits until it has ended.
  ~AppHost();
  AppHost(const AppHost&) = delete;
  AppHost& operator=(const AppHost&) = delete;

  // What is in flight at an instance that is replaced or stopped has so much time from now on; 30 seconds if nothing is
  // said. It is no part of any app's spec: an app is not touched because it changes.
  void set_drain_timeout(std::chrono::milliseconds timeout);
  // A configuration is in force. Apps whose spec is the same are not touched; changed ones are recycled; apps that are
  // gone are drained and stopped.
  void configure(std::vector<AppSpec> specs);

  // A request waits for this app: starts it if it is stopped and may run. Unknown names are ignored.
  void want(std::string_view app);
  // The answer to app_event::Drain: nothing is in flight at this instance any more, so that it is stopped now and not
  // only after the drain timeout.
  void drained(InstanceId instance);
  // A ready instance answers nothing any more, not even health checks: it is drained, counts as failed and is
  // replaced.
  void unresponsive(InstanceId instance);
  // A ready instance has refused a connection. One that lives on and does nothing else for two seconds has stopped
  // listening: it is replaced likewise. Of sockets that are inherited we hold the other end ourselves, and nothing is
  // refused.
  void refused(InstanceId instance);
  // What an operator may ask. kStop and kOffline last until kStart and kOnline take them back, over reloads too.
  enum class Command : std::uint8_t { kRecycle, kStop, kStart, kOffline, kOnline };
  // Returns a sentence about what happens now; an error if there is no such app or it cannot be done in its state.
  Result<std::string> command(std::string_view app, Command command);

  // Every app is removed: instances that are ready are drained (their Drain events want an answer still) and all are
  // stopped. `done` is called once, from the loop, when no process is left. To be called once; no configure()
  // follows.
  void shut_down(std::move_only_function<void()> done);

  // All apps as they are now, by name; removed ones for as long as their processes live.
  std::vector<AppView> views() const;

 private:
  class Apps;
  std::unique_ptr<Apps> apps_;
};

}  // namespace gatehouse
