// What all apps of a host share: the loop, the dependencies, what watches over orphans and control groups, and the
// limit of simultaneous starts. Owned by AppHost, outlives its apps; control thread.
#pragma once

#include <cstdint>
#include <vector>

#include "common/event_loop.h"
#include "common/file_watcher.h"
#include "common/waker.h"
#include "proxy/apps/app_dependencies.h"
#include "proxy/apps/cgroup.h"
#include "proxy/apps/files/file_thread.h"
#include "proxy/apps/files/output_file.h"
#include "proxy/apps/orphans.h"

namespace gatehouse {

struct AppContext {
  static constexpr std::uint32_t kMostStarting = 4;

  void changed() { reconcile.wake(); }  // something happened: all apps are looked at within this turn
  void emit(AppEvent event) {
    if (dependencies.event) dependencies.event(std::move(event));
  }

  EventLoop& loop;
  AppDependencies dependencies;
  Waker reconcile;
  Orphans orphans{};
  Cgroups cgroups{};
  FileThreads file_threads{loop};
  OutputFiles outputs{};
  FileWatcher watcher{loop};
  InstanceId last_id = 0;
  std::uint32_t starting = 0;                // instances in that state, over all apps
  std::vector<std::uint16_t> taken_ports{};  // of instances that may not listen yet
};

}  // namespace gatehouse
