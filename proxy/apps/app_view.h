// What AppHost tells about apps and their processes: states, reasons, and the events that it emits. Plain values,
// copied freely; nothing here refers to a living object, so that they could cross a process boundary.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/address.h"
#include "common/clock.h"
#include "proxy/apps/process/exit_reason.h"

namespace gatehouse {

// Names one process. Counts up from 1 and is never used twice in the life of a host; 0 is nobody.
using InstanceId = std::uint64_t;

// The states of a process; app_process.h draws what leads from one to the other.
enum class InstanceState : std::uint8_t { kStarting, kReady, kDraining, kStopping, kStopped };
// "starting", "ready", ...
std::string_view label(InstanceState state);

// One process.
struct InstanceView {
  InstanceId id = 0;
  // From 0 to instances - 1. A process keeps the slot of the one that it replaces.
  std::uint32_t slot = 0;
  // Counts up with each recycle of the app.
  std::uint64_t generation = 0;
  InstanceState state = InstanceState::kStarting;
  // 0 before it was started and once it has ended.
  int pid = 0;
  Address address;
  // With AppProfile::kAspNetCore: what each request must carry. It is a secret and must never be logged.
  std::string pairing_token;
  // Set for the Unix socket of another user's app: who alone may be found listening there.
  std::optional<uid_t> listening_user{};
  // Since when it has been in this state.
  MonotonicTime since{};
  // Of the process and all that it has started, noted once a second.
  std::uint64_t resident_bytes = 0;
};

// What an app does about requests.
enum class AppState : std::uint8_t {
  // It starts when wanted (on demand) or by command.
  kStopped,
  // Nothing is ready yet.
  kStarting,
  // At least one instance is ready.
  kServing,
  // It has failed or crashed, and starts again at `retry_at`.
  kBackoff,
  // It has failed too often: it does not start before `retry_at`, a command or a changed configuration.
  kParked,
  // It was taken offline by its offline file or by command.
  kOffline,
};
// "stopped", "starting", ...
std::string_view label(AppState state);

// What a hook is run for, and how the run ended; closed lists, whose labels are label values of metrics.
enum class AppHook : std::uint8_t { kStarted, kFailed, kRecycled };
inline constexpr std::size_t kAppHookCount = 3;
// "started", "failed", "recycled".
std::string_view label(AppHook hook);
enum class HookResult : std::uint8_t {
  kOk,
  // It could not be run, or did not exit with 0.
  kFailed,
  // It did not end in time.
  kTimeout,
  // Too many others waited: it was not run.
  kDropped,
};
// "ok", "failed", "timeout", "dropped".
std::string_view label(HookResult result);

struct AppView {
  std::string name;
  AppState state = AppState::kStopped;
  // By slot, in a slot by age; those that drain or stop included.
  std::vector<InstanceView> instances;
  // With kBackoff and kParked: when it is started again.
  MonotonicTime retry_at{};
  // The last bad end, until an instance gets ready.
  std::optional<ExitReason> failure;
  // The same as one sentence without a subject: "exited with status 3 after 0.2 s".
  std::string failure_text;
  // With kStarting: what a process that takes long to get ready still waits for, as a sentence.
  std::string waits_for;
  // Up to 64 KiB of output from before that end.
  std::string last_output;
  // With kOffline by a file: what that file says, and its media type. Both are empty if a command took it offline.
  std::string offline_body, offline_type;
  bool stopped_by_command = false;
  // The newest generation did not get ready, and the one before serves on.
  bool recycle_failed = false;
  // How often it has failed: failed starts, crashes, and instances that answered nothing any more.
  std::uint64_t restarts = 0;
  // How its process that ended last did, one that was asked to included; nothing before the first has.
  std::optional<ExitReason> last_exit{};
  // The next of its times of the day at which all its instances are replaced.
  std::optional<std::chrono::sys_seconds> next_recycle{};
};

namespace app_event {
// The app, its state or its ready instances have changed: `view` is all of it.
struct Changed {
  AppView view;
};
// A start failed, and no instance is ready or starting: requests that wait are answered for (the view says why).
// Comes behind the Changed that tells the same.
struct StartFailed {
  AppView view;
};
// A process is ready, `took` after its start. Once for each that gets ready.
struct Started {
  std::string app;
  std::chrono::milliseconds took;
};
// A process has ended. Once for each, also for one whose start failed.
struct Ended {
  std::string app;
  ExitReason reason;
  bool failed_start;
  // As a shell would say it, if it ended by itself (instance.h).
  std::optional<int> shell_status{};
};
// Take this instance out of the balance, and call drained() when nothing is in flight there any more. At most once
// for each stay in kDraining; after drain_timeout the instance is stopped without an answer.
struct Drain {
  std::string app;
  InstanceId instance;
};
// A run of a hook is over, or there was none. Once for each thing that happened and that a hook is for.
struct HookEnded {
  std::string app;
  AppHook hook;
  HookResult result;
};
}  // namespace app_event
using AppEvent = std::variant<app_event::Changed, app_event::StartFailed, app_event::Started, app_event::Ended,
                              app_event::Drain, app_event::HookEnded>;

}  // namespace gatehouse
