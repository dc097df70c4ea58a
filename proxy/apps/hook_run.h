// One run of a hook: a program that is told what has happened to an app. Looks the app's user and environment file up on
// that user's FileThread, starts the program as an instance would be started, passes its output on as the app's, and
// ends it with all that it has started once it is over or late. Owned by AppHooks; control thread. When it is destroyed
// nothing of the program is left.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "common/io_watcher.h"
#include "common/timer.h"
#include "proxy/apps/app_context.h"
#include "proxy/apps/app_spec.h"
#include "proxy/apps/app_view.h"
#include "proxy/apps/environment.h"
#include "proxy/apps/files/file_thread.h"
#include "proxy/apps/log_pipe.h"
#include "proxy/apps/process/cgroup.h"
#include "proxy/apps/process/spawn.h"
#include "proxy/system/user_identity.h"

namespace gatehouse {

// What has happened, as a hook is told.
struct HookOccasion {
  AppHook hook = AppHook::kStarted;
  std::uint32_t slot = 0;
  // A label: of an ExitReason or a RecycleReason, or a word of its own.
  std::string reason;
  // Of the instance, which may have ended; 0: it had no process.
  int pid = 0;
};

// The program for `hook` and its arguments; empty: there is none.
const std::vector<std::string>& command_of(const HookOptions& hooks, AppHook hook);

class HookRun {
 public:
  // `done` is called once, from the loop and never inside this call; it must retire the run, and may start another.
  // `context` outlives it. REQUIRES: there is a program for the occasion.
  HookRun(AppContext& context, std::shared_ptr<const AppSpec> spec, HookOccasion occasion,
          std::move_only_function<void(HookResult)> done);
  // Kills what still runs and waits for its end.
  ~HookRun();
  HookRun(const HookRun&) = delete;
  HookRun& operator=(const HookRun&) = delete;

 private:
  struct Files {
    Result<AppUser> user;
    Result<Environment> environment;
  };

  void on_files(const Files& files);
  std::optional<std::string> start(const AppUser& user, const Environment& from_file);
  void on_exit();
  void on_deadline();
  void kill();
  void end(HookResult result, const std::string& why);

  AppContext& context_;
  const std::shared_ptr<const AppSpec> spec_;
  const HookOccasion occasion_;
  std::move_only_function<void(HookResult)> done_;
  // By which all that it starts is known.
  std::string marker_;
  LogPipe output_;
  std::optional<Cgroup> cgroup_;
  Child child_;
  bool late_ = false;
  Timer deadline_;
  std::unique_ptr<IoWatcher> exit_;
  FileQuestion<Files> question_;
};

}  // namespace gatehouse
