// What AppHost tells about apps and their processes: states, reasons, and the events that it emits. Plain values,
// copied freely; nothing here refers to a living object, so that they could cross a process boundary.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/address.h"
#include "common/clock.h"

namespace gatehouse {

using InstanceId = std::uint64_t;  // one process, never used twice

// The states of a process (see app_process.h).
enum class InstanceState : std::uint8_t { kStarting, kReady, kDraining, kStopping, kStopped };
std::string_view label(InstanceState state);

// Why a start failed or a process ended; a closed list. Tokens: "exited", "signaled", "exec_not_found", ...
enum class ExitReason : std::uint8_t {
  kExecNotFound,
  kExecDenied,
  kExited,
  kSignaled,
  kOomKilled,
  kStartTimeout,
  kWrongPort,
  kForeignListener,
  kReadyFailed,
  kStopped
};
std::string_view label(ExitReason reason);

struct InstanceView {
  InstanceId id = 0;
  std::uint32_t slot = 0;        // 0..instances-1; a process keeps the slot of the one that it replaces
  std::uint64_t generation = 0;  // counts up with each recycle of the app
  InstanceState state = InstanceState::kStarting;
  int pid = 0;
  Address address;
  std::string pairing_token;              // AppProfile::kAspNetCore: what each request must carry; never log it
  std::optional<uid_t> listening_user{};  // a Unix socket of another user's app: who alone may listen there
  MonotonicTime since{};                  // in this state
  std::uint64_t resident_bytes = 0;
};

// What an app does about requests.
enum class AppState : std::uint8_t {
  kStopped,   // will start when wanted (on demand), or by command
  kStarting,  // nothing is ready yet
  kServing,   // at least one instance is ready
  kBackoff,   // failed or crashed; will start again at `retry_at`
  kParked,    // rapid-fail: not before `retry_at`, a command or a changed configuration
  kOffline,   // by its offline file or by command
};
std::string_view label(AppState state);

struct AppView {
  std::string name;
  AppState state = AppState::kStopped;
  std::vector<InstanceView> instances;
  MonotonicTime retry_at{};                // kBackoff, kParked
  std::optional<ExitReason> failure;       // the last bad end, for as long as it explains the state
  std::string failure_text;                // one sentence: "exited with status 3 after 0.2 s"
  std::string last_output;                 // up to 64 KiB from before that end
  std::string offline_body, offline_type;  // kOffline
  bool stopped_by_command = false;
  bool recycle_failed = false;  // the newest generation did not get ready; the one before serves on
  std::uint64_t restarts = 0;   // processes that were started after one that ended by itself
};

namespace app_event {
// The app, its state or its ready instances have changed: `view` is all of it.
struct Changed {
  AppView view;
};
// A start attempt failed and nothing is ready: requests that wait are answered for (the view says why).
struct StartFailed {
  AppView view;
};
// One process started (and took `took` to be ready) or ended; for counters.
struct Started {
  std::string app;
  std::chrono::milliseconds took;
};
struct Ended {
  std::string app;
  ExitReason reason;
  bool failed_start;
};
// Take this instance out of the balance and call drained() when nothing is in flight there any more.
struct Drain {
  std::string app;
  InstanceId instance;
};
}  // namespace app_event
using AppEvent =
    std::variant<app_event::Changed, app_event::StartFailed, app_event::Started, app_event::Ended, app_event::Drain>;

}  // namespace gatehouse
