// One app: how many processes it shall have now, which of them shall be replaced, and whether it may be started at all.
// Calls only note what is wanted; reconcile(), run from the host's waker, compares that with what runs, acts, and emits
// the events. Owned by AppHost, control thread.
//
//  A slot is covered while an instance that is not superseded starts, fails to, or is ready there. To recycle is to
//  supersede: the slot is then no longer covered, a new instance starts, and once it is ready the old one is drained.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/file_watcher.h"
#include "common/result.h"
#include "common/timer.h"
#include "proxy/apps/app_context.h"
#include "proxy/apps/app_host.h"
#include "proxy/apps/backoff.h"
#include "proxy/apps/files/file_thread.h"
#include "proxy/apps/files/offline_page.h"
#include "proxy/apps/instance.h"
#include "proxy/apps/rapid_fail.h"
#include "proxy/apps/watched_folders.h"

namespace gatehouse {

class App {
 public:
  App(AppContext& context, AppSpec spec);
  ~App();
  App(const App&) = delete;
  App& operator=(const App&) = delete;

  void change(AppSpec spec);  // nothing if it is the same
  void remove();
  void want();
  void drained(InstanceId instance);
  void unresponsive(InstanceId instance);
  void recycle(const char* why);
  Result<std::string> command(AppHost::Command command);
  void tick(const ProcessTable& processes);  // once a second

  void reconcile();
  bool runs() const { return !running_.empty(); }
  bool gone() const { return wishes_.removed && running_.empty(); }
  std::uint32_t starting() const;
  void add_taken_ports(std::vector<std::uint16_t>& ports) const;  // of instances that may not listen yet
  AppView view() const;

 private:
  struct Running {
    std::unique_ptr<Instance> instance;
    bool superseded = false;
    bool told_ready = false;     // Started was emitted
    bool told_slow = false;      // people were told what it waits for
    bool idle_stop = false;      // draining because nobody came for long
    std::uint64_t requests = 0;  // it has had when last asked
    MonotonicTime recycle_at = MonotonicTime::max();
  };
  struct Wishes {
    bool up = false;  // shall run, unless something below says no
    bool removed = false;
    bool stopped = false;  // by command
    bool offline = false;  // by command
  };
  struct Trouble {
    Backoff backoff{};
    RapidFail rapid_fail;
    std::optional<ExitReason> reason{};
    std::string text{};
    std::string last_output{};
    bool recycle_failed = false;
    std::uint64_t restarts = 0;
  };
  struct Idle {
    std::uint64_t requests = 0;  // seen in the last second
    MonotonicTime since{};
  };

  // What an app's own files say, as they were looked at for a start, or because one of them may have changed.
  struct Look {
    std::shared_ptr<const AppSpec> spec;  // that it was for
    Result<AppUser> user;
    std::optional<OfflinePage> offline;
    std::optional<Result<Environment>> environment;  // if a start asked for it
  };

  bool may_run() const;
  void look_at_files();
  void on_look(Look look);
  void note_offline(std::optional<OfflinePage> now);
  bool looked() const { return looking_.at == spec_; }
  void watch_files();
  void on_watched(WatchedFolders folders);
  bool counts_as_change(const std::string& path) const;
  void collect_ended();
  void note_trouble(const Instance& instance, const InstanceEnd& end);
  void on_failure(const Instance& instance, const InstanceEnd& end);
  void keep_the_old_ones();
  void note_ready();
  void take_down();
  void start_missing();
  void start(std::uint32_t slot);
  bool covered(std::uint32_t slot) const;
  bool replaced(const Running& old) const;
  void drain(Running& running);
  void publish();
  bool any(InstanceState state) const;
  void supersede(Running& running, const char* why);
  void tell_what_takes_long(Running& running);
  void tell_if_files_hang();
  void check_idle(std::uint64_t requests, std::uint32_t in_flight);
  void forget_trouble();
  MonotonicTime not_before() const;
  AppState state() const;

  AppContext& context_;
  std::shared_ptr<const AppSpec> spec_;
  Wishes wishes_;
  Trouble trouble_;
  Idle idle_;
  std::uint64_t generation_ = 0;
  std::vector<Running> running_;
  SpareListeners spares_;
  std::optional<OfflinePage> offline_;
  struct Telling {
    std::string last{};  // what the last Changed said, in short
    bool start_failed = false;
    std::vector<InstanceId> drains{};
  } telling_;
  struct Looking {
    bool due = true;  // something may have changed
    bool environment_due = false;
    std::shared_ptr<const AppSpec> at{};               // whose files have been looked at
    Result<AppUser> user{};                            // of that one
    std::optional<Result<Environment>> environment{};  // read for the starts of now
    MonotonicTime read_at{};
    MonotonicTime since{};  // the question waits
    bool told_slow = false;
    FileQuestion<Look> question;
  } looking_;
  struct Watching {
    Timer retry;
    Timer debounce;
    FileWatcher::Interest offline;
    FileWatcher::Interest changes;
    FileQuestion<WatchedFolders> question;
  } watching_;
};

}  // namespace gatehouse
