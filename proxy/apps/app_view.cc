#include "proxy/apps/app_view.h"

namespace gatehouse {

std::string_view label(InstanceState state) {
  switch (state) {
    case InstanceState::kStarting:
      return "starting";
    case InstanceState::kReady:
      return "ready";
    case InstanceState::kDraining:
      return "draining";
    case InstanceState::kStopping:
      return "stopping";
    case InstanceState::kStopped:
      return "stopped";
  }
  return "stopped";
}

std::string_view label(ExitReason reason) {
  switch (reason) {
    case ExitReason::kExecNotFound:
      return "exec_not_found";
    case ExitReason::kExecDenied:
      return "exec_denied";
    case ExitReason::kExited:
      return "exited";
    case ExitReason::kSignaled:
      return "signaled";
    case ExitReason::kOomKilled:
      return "oom_killed";
    case ExitReason::kStartTimeout:
      return "start_timeout";
    case ExitReason::kWrongPort:
      return "wrong_port";
    case ExitReason::kForeignListener:
      return "foreign_listener";
    case ExitReason::kReadyFailed:
      return "ready_failed";
    case ExitReason::kStopped:
      return "stopped";
  }
  return "stopped";
}

std::string_view label(AppState state) {
  switch (state) {
    case AppState::kStopped:
      return "stopped";
    case AppState::kStarting:
      return "starting";
    case AppState::kServing:
      return "serving";
    case AppState::kBackoff:
      return "backoff";
    case AppState::kParked:
      return "parked";
    case AppState::kOffline:
      return "offline";
  }
  return "stopped";
}

}  // namespace gatehouse
