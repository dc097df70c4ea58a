#include "proxy/apps/process/exit_reason.h"

namespace gatehouse {

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
    case ExitReason::kListenerGone:
      return "listener_gone";
    case ExitReason::kStopped:
      return "stopped";
  }
  return "stopped";
}

}  // namespace gatehouse
