// One app: how many processes it shall have now, which of them shall be replaced, and whether it may be started at
// all. Calls only note what is wanted; reconcile(), run from the host's waker, compares that with what runs, acts,
// and emits the events. Owned by the AppHost (one for each name); control thread. What its files say is read on the
// FileThread of its user and comes back as a Look; before the first Look the app is not started, and nobody is told
// of it.
//
//   want(), command(), tick(), ... --note--> wishes, superseded --wake--> reconcile():
//     look_at_files -> collect_ended -> note_ready -> note_lost_listeners -> take_down -> start_missing
//       -> publish (events)
//
// A slot is covered while an instance that is not superseded starts, fails to, or is ready there. To recycle is to
// supersede: the slot is then no longer covered, a new instance starts, and once it is ready the old one is drained.
// If the new one does not get ready, keep_the_old_ones() takes that back.
//
//   slot 0   old: ready ........ superseded ........ draining -> stopping -> gone
//            new:                 starting -> ready ..............................
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "common/timer.h"
#include "common/watch/change_watch.h"
#include "common/watch/file_watcher.h"
#include "proxy/apps/app_context.h"
#include "proxy/apps/app_hooks.h"
#include "proxy/apps/app_host.h"
#include "proxy/apps/backoff.h"
#include "proxy/apps/daily_times.h"
#include "proxy/apps/files/file_thread.h"
#include "proxy/apps/files/offline_page.h"
#include "proxy/apps/idle_watch.h"
#include "proxy/apps/instance.h"
#include "proxy/apps/rapid_fail.h"
#include "proxy/apps/recycling.h"
#include "proxy/apps/watched_folders.h"

namespace gatehouse {

class App {
 public:
  // `context` outlives the app. An eager app is wanted from here on, one on demand with the first want().
  App(AppContext& context, AppSpec spec);
  ~App();
  App(const App&) = delete;
  App& operator=(const App&) = delete;

  // Takes over another specification, and takes back remove(). Nothing happens if it is the same. If only the number
  // of instances differs, those that stay are not touched; anything else recycles the app. Both forget earlier
  // failures.
  void change(AppSpec spec);
  // The app is to go: its instances are drained and stopped. gone() tells when the last has ended.
  void remove();
  // A request waits. Starts the app if it may run: not while it is removed, stopped or taken offline. Backoff and
  // parking still delay the start.
  void want();
  // Nothing is in flight at this instance any more. One that was to stop because it was idle, and has had a request
  // meanwhile, is kept. Instances of other apps, and those that do not drain, are ignored.
  void drained(InstanceId instance);
  // A ready instance gives no answer any more: counts as a failure, drains it and lets another take its slot.
  // Instances of other apps, and those that are not ready, are ignored.
  void unresponsive(InstanceId instance);
  // A ready instance has refused a connection. If it keeps doing so for two seconds, that is as unresponsive().
  void refused(InstanceId instance);
  // Replaces every instance by one of the next generation and forgets earlier failures. `what` ends the line of the log.
  void recycle(RecycleReason why, std::string_view what = {});
  // Carries out what an operator asks. Returns a sentence about what happens now, or why it cannot.
  Result<std::string> command(AppHost::Command command);
  // Called once a second with the machine's processes: notes memory, recycles by age, requests and memory, stops an
  // app that is idle, warns of what takes long, and has the offline file looked at once more.
  void tick(const ProcessTable& processes);

  // Makes what runs into what is wanted, a step at a time: whatever a step has to wait for wakes the host again.
  // Emits the events.
  void reconcile();
  // True while there is an instance in any state, one that has ended but was not collected yet included.
  bool runs() const { return !running_.empty(); }
  // True once the app was removed and its last instance has ended: the host may then destroy it.
  bool gone() const { return wishes_.removed && running_.empty(); }
  // How many of its instances are starting.
  std::uint32_t starting() const;
  // Appends the ports of all its instances (0 for one without), so that no new one is given the port of one that has
  // not bound it yet.
  void add_taken_ports(std::vector<std::uint16_t>& ports) const;
  AppView view() const;

 private:
  // An instance and what the app has decided or said about it.
  struct Running {
    std::unique_ptr<Instance> instance;
    bool superseded = false;
    // Why, if it is recycled.
    RecycleReason why = RecycleReason::kCommand;
    // True once Started was emitted.
    bool told_ready = false;
    // True once the log has said what it waits for.
    bool told_slow = false;
    // It drains because nobody came for long: a new request makes it stay.
    bool idle_stop = false;
    // The requests that it had had when last asked.
    std::uint64_t requests = 0;
    // It is to be replaced then.
    MonotonicTime old_at = MonotonicTime::max();
  };
  // What others want of the app. It runs if `up` is set and none of the others is.
  struct Wishes {
    // It shall run, unless one of the others says no.
    bool up = false;
    bool removed = false;
    // Set and cleared by command, as is `offline`.
    bool stopped = false;
    bool offline = false;
  };
  // What went wrong, until an instance gets ready; the counts stay.
  struct Trouble {
    Backoff backoff{};
    RapidFail rapid_fail;
    std::optional<ExitReason> reason{};
    std::string text{};
    std::string last_output{};
    bool recycle_failed = false;
    std::uint64_t restarts = 0;
    std::optional<ExitReason> last_exit{};
  };

  // What an app's own files say, as they were looked at for a start, or because one of them may have changed.
  struct Look {
    // The specification that it was for. An answer for another one is dropped, and the question asked again.
    std::shared_ptr<const AppSpec> spec;
    Result<AppUser> user;
    std::optional<OfflinePage> offline;
    // What the environment file says; only if a start asked for it.
    std::optional<Result<Environment>> environment;
  };

  bool may_run() const;
  void look_at_files();
  void on_look(Look look);
  void note_offline(std::optional<OfflinePage> now);
  // True if the files of the specification in force have been looked at.
  bool looked() const { return looking_.at == spec_; }
  void watch_files();
  void look_at_watched();
  void on_watched(std::optional<WatchedFolders> folders);
  void collect_ended();
  void note_trouble(const Instance& instance, const InstanceEnd& end);
  void on_failure(const Instance& instance, const InstanceEnd& end);
  // Null: there is no such instance, or it is not ready.
  Running* ready_one(InstanceId instance);
  void give_up(Running& running, ExitReason reason, const std::string& text);
  void keep_the_old_ones();
  void note_ready();
  void note_lost_listeners();
  void take_down();
  void start_missing();
  void start(std::uint32_t slot);
  bool covered(std::uint32_t slot) const;
  bool replaced(const Running& old) const;
  const Running* replaces(const Running& successor) const;
  void tell_hook(AppHook hook, const Instance& instance, std::string_view reason);
  void drain(Running& running);
  void publish();
  bool any(InstanceState state) const;
  void supersede(Running& running, RecycleReason why, std::string_view what = {});
  void tell_what_takes_long(Running& running);
  void tell_if_files_hang();
  void stop_if_idle(const InstanceUse& use);
  void forget_trouble();
  MonotonicTime not_before() const;
  AppState state() const;

  AppContext& context_;
  std::shared_ptr<const AppSpec> spec_;
  Wishes wishes_;
  Trouble trouble_;
  IdleWatch idle_;
  std::uint64_t generation_ = 0;
  std::vector<Running> running_;
  SpareListeners spares_;
  std::optional<OfflinePage> offline_;
  struct Telling {
    // What the last Changed said, in short: an event is emitted only if this differs.
    std::string last{};
    bool start_failed = false;
    std::vector<InstanceId> drains{};
    AppHooks hooks;
  } telling_;
  struct Looking {
    // Something may have changed since the last question.
    bool due = true;
    bool environment_due = false;
    // Whose files have been looked at, and who that one's user is.
    std::shared_ptr<const AppSpec> at{};
    Result<AppUser> user{};
    // Read for the starts of now and fresh for a second; the start after them reads the file again.
    std::optional<Result<Environment>> environment{};
    MonotonicTime read_at{};
    // Since when the question that waits has been waiting.
    MonotonicTime since{};
    bool told_slow = false;
    FileQuestion<Look> question;
  } looking_;
  struct Watching {
    Timer retry;
    FileWatcher::Interest offline;
    ChangeWatch changes;
    // What recycle.on_change meant at the last look; nothing before the first one.
    std::optional<FileVersions> known{};
    FileScan::Limit limit = FileScan::Limit::kNone;
    // Its outcome is nothing where nobody knows who the app's user is.
    FileQuestion<std::optional<WatchedFolders>> question;
    // For recycle.at.
    DailyTimes daily{};
  } watching_;
};

}  // namespace gatehouse
