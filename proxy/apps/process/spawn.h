// Starts a program in a session and process group of its own, with nothing of ours but what it is meant to have:
// three descriptors (and a listening one), the given environment, default signals, the limit of open files that we
// were started with. It dies with the thread that started it. Called by an Instance on the control thread, which
// never waits for the program: its folder may be on a disk that hangs. What the child does is in child_side.h.
#pragma once

#include <sys/types.h>

#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "common/fd.h"
#include "proxy/apps/process/exit_reason.h"
#include "proxy/system/user_identity.h"

namespace gatehouse {

// What is to be started, for the time of the call. Standard input is /dev/null.
struct SpawnPlan {
  // The program and its arguments; never empty. A name without a slash is looked for in the PATH of `environment`, a
  // relative path is from `directory`.
  std::vector<std::string> command;
  // Empty: ours.
  std::string directory;
  // NAME=value, all that the program gets. LISTEN_PID, if it is there, gets the child's process id.
  std::vector<std::string> environment;
  // Who the program runs as; nothing: who we are. Only root can start somebody else's.
  AppUser user;
  // Standard output and error; -1: ours. They go over to `user`, who can then open /dev/stdout and /dev/stderr again.
  int out = -1;
  int err = -1;
  // What becomes descriptor 3; -1: none.
  int listening = -1;
  // Open for writing, of the control group to join; -1: none.
  int cgroup_procs = -1;
};

// A process that was started. Whoever has it waits for it, by its pidfd, and kills it if it shall not run on.
struct Child {
  pid_t pid = -1;
  // Readable once the process has ended.
  Fd pidfd;
  // Closed at the other end once the program runs; never read before the process has ended.
  Fd report;
  // For what is told if the program was never run, as are the next two.
  std::string program;
  std::string directory;
  std::string user;
};

// Why there is no program.
struct SpawnFailure {
  ExitReason reason;
  // A sentence without a subject: "cannot run dotnet: not found in PATH".
  std::string text;
};

// Returns once there is a process, which may yet fail to run the program: see why_not_run(). Fails for want of
// descriptors or processes, and leaves nothing behind then.
std::expected<Child, SpawnFailure> spawn(const SpawnPlan& plan);

// Why the program was never run; nothing if it was. REQUIRES: the process has ended; to be asked once.
std::optional<SpawnFailure> why_not_run(const Child& child);

}  // namespace gatehouse
