// Why a process of an app has ended, or was not started: a word of logs, metrics and the status page. A value, with no
// thread.
#pragma once

#include <cstdint>
#include <string_view>

namespace gatehouse {

// A closed list, whose labels are label values of metrics.
enum class ExitReason : std::uint8_t {
  // The program, its interpreter or its directory is not there.
  kExecNotFound,
  // It could not be run or not even be prepared: rights, its user, its environment file, no free port, no
  // descriptors.
  kExecDenied,
  // It ended by itself, with a status.
  kExited,
  // A signal ended it that we did not send.
  kSignaled,
  // The kernel ended it for want of memory.
  kOomKilled,
  // It did not listen within start_timeout.
  kStartTimeout,
  // Another process listens on the port that it was given.
  kWrongPort,
  // Another user than its own listens on its socket.
  kForeignListener,
  // It listens, but did not answer well within start_timeout, or answers nothing any more.
  kReadyFailed,
  // It was ready, lives on, and does not listen any more.
  kListenerGone,
  // It was asked to stop.
  kStopped
};
// "exec_not_found", "exited", ...
std::string_view label(ExitReason reason);

}  // namespace gatehouse
