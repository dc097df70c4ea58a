// One process of an app: starts it when made, finds out when it is ready, reads its output, notices its end at once and
// stops it as the table of app_process.h says. Owned by its App, control thread; tells of every change through the
// context. When it is destroyed nothing of the process is left.
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
#include "proxy/apps/listen_target.h"
#include "proxy/apps/log_pipe.h"
#include "proxy/apps/readiness.h"
#include "proxy/apps/spawn.h"
#include "proxy/system/user_identity.h"

namespace gatehouse {

struct InstanceEnd {
  ExitReason reason = ExitReason::kStopped;
  std::string text;           // "exited with status 3 after 0.2 s"
  bool failed_start = false;  // never was ready, and nobody asked it to stop
  bool crashed = false;       // was ready, and nobody asked it to stop
  Duration ready_for{0};
};

class Instance {
 public:
  struct Setting {
    InstanceId id = 0;
    std::uint32_t slot = 0;
    std::uint64_t generation = 0;
    std::shared_ptr<const AppSpec> spec;
    Result<AppUser> user{};             // of the spec's
    Result<Environment> environment{};  // what its environment file says
  };
  Instance(AppContext& context, Setting setting, SpareListeners& spares);
  ~Instance();
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

  void handle(ProcessEvent event);  // kDrain, kResume and kIdle are the owner's

  InstanceId id() const { return setting_.id; }
  std::uint32_t slot() const { return setting_.slot; }
  InstanceState state() const { return life_.state; }
  // It will not get ready, and is being ended.
  bool failing() const { return life_.state == InstanceState::kStopping && !life_.asked_to_stop; }
  std::string waits_for() const;                 // starting: what is missing, for people
  std::chrono::milliseconds start_took() const;  // REQUIRES: it has been ready
  const std::optional<InstanceEnd>& end() const { return end_; }
  TreeMark tree() const { return {.leader = child_.pid, .variable = marker_}; }
  void note_memory(std::uint64_t bytes) { resident_bytes_ = bytes; }
  InstanceView view() const;
  std::string last_output() const { return output_.last_output(); }
  Fd take_listening() { return target_.take_listening(); }  // once it has ended

 private:
  struct Life {
    InstanceState state = InstanceState::kStarting;
    MonotonicTime since{};
    MonotonicTime started{};
    std::optional<MonotonicTime> ready{};
    std::optional<ExitReason> cause{};  // why we ended it, where it did not get ready
    std::string cause_text{};
    bool asked_to_stop = false;
    bool killed = false;
    std::uint64_t oom_kills = 0;  // at the start
  };

  std::optional<SpawnFailure> start(SpareListeners& spares);
  void watch();
  void on_exit();
  void on_verdict(Readiness::Verdict verdict);
  void on_deadline();
  void act(ProcessAction action);
  void terminate();
  void send_stop_signal();
  void kill();
  void finish(InstanceEnd end);
  InstanceEnd end_from(int code, int status) const;
  std::string after() const;
  bool owns_listener() const;
  std::vector<std::pair<std::string, std::string>> pairing_field() const;

  AppContext& context_;
  Setting setting_;
  std::string marker_;
  std::string token_;  // of the pairing; empty without
  Life life_;
  std::optional<InstanceEnd> end_;
  std::uint64_t resident_bytes_ = 0;
  ListenTarget target_;
  LogPipe output_;
  std::optional<Cgroup> cgroup_;
  Child child_;
  struct Watching {  // whatever can call back
    Timer deadline;
    std::unique_ptr<IoWatcher> exit{};
    std::unique_ptr<Readiness> readiness{};
    std::shared_ptr<void> shutdown_message{};
  } watching_;
};

}  // namespace gatehouse
