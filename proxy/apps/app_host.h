// Keeps the apps of the configuration running as they shall: reconciles wanted with running, one Instance for each
// process, at most four starting at a time over all apps. Knows nothing of requests or endpoints: commands in, events
// out, all of them values, so that it could live in another process. Owned by the Server; its thread. Events are
// emitted in order from the loop, never from inside a call of one of these functions.
#pragma once

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

  AppHost(EventLoop& loop, Dependencies dependencies);
  ~AppHost();  // kills what still runs
  AppHost(const AppHost&) = delete;
  AppHost& operator=(const AppHost&) = delete;

  // A configuration is in force. Apps whose spec is the same are not touched; changed ones are recycled; apps that are
  // gone are drained and stopped.
  void configure(std::vector<AppSpec> specs);

  void want(std::string_view app);         // a request waits: starts it if it is stopped and may
  void drained(InstanceId instance);       // the answer to app_event::Drain
  void unresponsive(InstanceId instance);  // it is ready, but answers nothing any more: it is replaced
  enum class Command : std::uint8_t { kRecycle, kStop, kStart, kOffline, kOnline };
  Result<std::string> command(std::string_view app, Command command);  // a sentence about what happens now

  // Everything is stopped (drained by now); `done` is called once when no process is left.
  void shut_down(std::move_only_function<void()> done);

  std::vector<AppView> views() const;

 private:
  class Apps;
  std::unique_ptr<Apps> apps_;
};

}  // namespace gatehouse
