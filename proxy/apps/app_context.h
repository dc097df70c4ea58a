// What all apps of a host share: the loop, the dependencies, what watches over orphans and control groups, and the
// limit of simultaneous starts. Owned by AppHost, outlives its apps; control thread. The file threads stand before
// the output files, which write by them to the last.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "common/event_loop.h"
#include "common/waker.h"
#include "common/watch/file_watcher.h"
#include "config/policy/limits.h"
#include "proxy/apps/app_dependencies.h"
#include "proxy/apps/app_spec.h"
#include "proxy/apps/files/file_thread.h"
#include "proxy/apps/files/output_file.h"
#include "proxy/apps/log_pipe.h"
#include "proxy/apps/process/cgroup.h"
#include "proxy/apps/process/orphans.h"

namespace gatehouse {

struct AppContext {
  // At most so many instances start at a time, over all apps: a start is what costs a machine most.
  static constexpr std::uint32_t kMostStarting = 4;

  // Something happened: all apps are reconciled within this turn, once, and never inside this call.
  void changed() { reconcile.wake(); }
  // Hands an event to whoever made the host. Only reconcile() calls it, so that events come in order.
  void emit(AppEvent event) {
    if (dependencies.event) dependencies.event(std::move(event));
  }

  EventLoop& loop;
  AppDependencies dependencies;
  // Runs AppHost's reconcile(), which goes through all apps.
  Waker reconcile;
  Orphans orphans{};
  Cgroups cgroups{};
  // One thread for each user of apps: nothing that touches a file of an app runs on the loop.
  FileThreads file_threads{loop};
  // The files that `output = "file"` names. They stay for the host's life, over restarts of their apps.
  OutputFiles outputs{};
  // One for all apps: a user of the machine may have few of them.
  FileWatcher watcher{loop};
  // For what is in flight when an instance is replaced or stopped.
  std::chrono::milliseconds drain_timeout = defaults::kDrainTimeout;
  // The number that was last given to an instance; each is given once.
  InstanceId last_id = 0;
  // How many instances are starting, over all apps. Counted anew by each reconcile, and up by each start within it.
  std::uint32_t starting = 0;
  // The ports of all living instances: one that has not bound its port yet would otherwise seem to have left it free.
  std::vector<std::uint16_t> taken_ports{};
};

// Where what a process for this slot of the app writes goes.
LogPipe::Setting output_setting(AppContext& context, const AppSpec& spec, std::uint32_t slot);

}  // namespace gatehouse
