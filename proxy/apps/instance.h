// One process of an app: starts it when made, finds out when it is ready, reads its output, notices its end at once
// and stops it as the table of app_process.h says. Owned by its App, control thread; tells of every change through
// the context. When it is destroyed nothing of the process is left.
//
//   Instance -- ListenTarget   where it listens          Child      its pidfd: readable once it has ended
//            -- Readiness      --> kReady, kFailed       Timer      --> kDeadline
//            -- ListenerCheck  whether it still listens
//            -- LogPipe        what it writes            Cgroup     all that it has started
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "common/io_watcher.h"
#include "common/timer.h"
#include "proxy/apps/app_context.h"
#include "proxy/apps/app_process.h"
#include "proxy/apps/app_spec.h"
#include "proxy/apps/app_view.h"
#include "proxy/apps/environment.h"
#include "proxy/apps/files/file_thread.h"
#include "proxy/apps/listen_target.h"
#include "proxy/apps/listener_check.h"
#include "proxy/apps/log_pipe.h"
#include "proxy/apps/process/spawn.h"
#include "proxy/apps/readiness.h"
#include "proxy/system/user_identity.h"

namespace gatehouse {

// How a process ended.
struct InstanceEnd {
  ExitReason reason = ExitReason::kStopped;
  // A sentence without its subject: "exited with status 3 after 0.2 s".
  std::string text;
  // It never was ready, and nobody asked it to stop.
  bool failed_start = false;
  // It was ready, and nobody asked it to stop or had given it up.
  bool crashed = false;
  // From the moment it was ready to its end; 0 if it never was.
  Duration ready_for{0};
  // What a shell would say of it, if it ended by itself: its exit status, or 128 and the number of the signal that ended
  // it; 127 if there is no such program, 126 if it could not be run.
  std::optional<int> shell_status{};
};

class Instance {
 public:
  // What the App has decided and found out for this start.
  struct Setting {
    InstanceId id = 0;
    std::uint32_t slot = 0;
    std::uint64_t generation = 0;
    std::shared_ptr<const AppSpec> spec;
    // Who the spec's user is. An error fails the start, as does one of `environment`.
    Result<AppUser> user{};
    // What its environment file says; cleared once the process has it.
    Result<Environment> environment{};
  };
  // Starts the process, without waiting for it. If that fails, the instance is kStopped and has its end() already.
  // Takes a listening socket from `spares` if the app inherits one and there is one. `context` outlives it.
  Instance(AppContext& context, Setting setting, SpareListeners& spares);
  // Kills what still runs and waits for its end.
  ~Instance();
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

  // Tells it what has happened and does what the table says. kDrain, kResume and kIdle are the owner's to tell; the
  // others come from the instance itself.
  void handle(ProcessEvent event);

  InstanceId id() const { return setting_.id; }
  std::uint32_t slot() const { return setting_.slot; }
  InstanceState state() const { return life_.state; }
  // Of its process, even once that has ended; 0 if there never was one.
  int pid() const { return life_.pid; }
  // True while it is ended because it will not get ready.
  bool failing() const { return life_.state == InstanceState::kStopping && !life_.asked_to_stop; }
  // For people: what is missing while it starts. Means nothing in other states.
  std::string waits_for() const;
  // From its start to its first being ready. REQUIRES: it has been ready.
  std::chrono::milliseconds start_took() const;
  // Set once the process has ended and was waited for, or could not be started; nothing happens any more then.
  const std::optional<InstanceEnd>& end() const { return end_; }
  // The mark by which the processes of its tree are known.
  TreeMark tree() const { return {.leader = child_.pid, .variable = marker_}; }
  // A connection to it was refused: finds out whether it has stopped listening, which lost_listener() tells. Only while
  // it is ready; and not with a socket that it has inherited, where we listen ourselves.
  void check_listener();
  // It is ready, and has refused every connection for two seconds.
  bool lost_listener() const { return life_.lost_listener; }
  // It is ended for this reason, which its end() then gives. REQUIRES: it is ready. Told before kDrain.
  void condemn(ExitReason reason, std::string text);
  // Takes what the last look at the machine's processes found, for view().
  void note_memory(std::uint64_t bytes) { resident_bytes_ = bytes; }
  InstanceView view() const;
  // Up to 64 KiB of what it wrote last; the first line of it may have lost its begin.
  std::string last_output() const { return output_.last_output(); }
  // The listening socket that was handed over, for the next instance; invalid if there was none. REQUIRES: it has
  // ended.
  Fd take_listening() { return target_.take_listening(); }

 private:
  struct Life {
    InstanceState state = InstanceState::kStarting;
    MonotonicTime since{};
    MonotonicTime started{};
    std::optional<MonotonicTime> ready{};
    int pid = 0;
    // Why we end it, where it did not get ready or does not work any more.
    std::optional<ExitReason> cause{};
    std::string cause_text{};
    // Where else it listens, as was last found while it started; empty: nowhere that is known.
    std::string elsewhere{};
    bool lost_listener = false;
    bool asked_to_stop = false;
    bool killed = false;
    // What Cgroups::oom_kills() said at the start.
    std::uint64_t oom_kills = 0;
  };

  std::optional<SpawnFailure> start(SpareListeners& spares);
  void watch();
  void on_exit();
  void on_verdict(Readiness::Verdict verdict);
  void tell_of_redirect() const;
  void on_deadline();
  void look_elsewhere();
  void act(ProcessAction action);
  void terminate();
  void send_stop_signal();
  void kill();
  void finish(InstanceEnd end);
  InstanceEnd end_from(int code, int status) const;
  std::string after() const;
  bool owns_listener() const;
  std::vector<std::pair<std::string, std::string>> pairing_field() const;
  // Those of readiness and warm-up.
  std::vector<std::pair<std::string, std::string>> fields_of_questions() const;

  AppContext& context_;
  Setting setting_;
  std::string marker_;
  // The pairing token; empty without a pairing.
  std::string token_;
  Life life_;
  std::optional<InstanceEnd> end_;
  std::uint64_t resident_bytes_ = 0;
  ListenTarget target_;
  LogPipe output_;
  std::optional<Cgroup> cgroup_;
  Child child_;
  // Whatever can call back.
  struct Watching {
    Timer deadline;
    Timer look;
    FileQuestion<std::string> elsewhere;
    std::unique_ptr<IoWatcher> exit{};
    std::unique_ptr<Readiness> readiness{};
    std::unique_ptr<ListenerCheck> listener{};
    std::shared_ptr<void> shutdown_message{};
  } watching_;
};

}  // namespace gatehouse
