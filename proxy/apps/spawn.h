// Starts a program in a session and process group of its own, with nothing of ours but what it is meant to have: three
// descriptors (and a listening one), the given environment, default signals, the limits that we were started with. It
// dies with the thread that started it. Called on the control thread, which never waits for the program: its folder may
// be on a disk that hangs.
#pragma once

#include <sys/types.h>

#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "common/fd.h"
#include "proxy/apps/app_view.h"
#include "proxy/system/user_identity.h"

namespace gatehouse {

struct SpawnPlan {
  std::vector<std::string> command;      // looked for in the PATH of `environment`; a relative path is from `directory`
  std::string directory;                 // "": ours
  std::vector<std::string> environment;  // NAME=value; LISTEN_PID gets the child's
  AppUser user;                          // nothing: ours
  int out = -1;                          // -1: ours
  int err = -1;
  int listening = -1;     // becomes descriptor 3
  int cgroup_procs = -1;  // open for writing: the cgroup to join
};

struct Child {
  pid_t pid = -1;
  Fd pidfd;             // readable once the process has ended
  Fd report;            // closed at the other end once the program runs
  std::string program;  // for what is told if it does not
  std::string directory;
  std::string user;
};

struct SpawnFailure {
  ExitReason reason;
  std::string text;  // "cannot run dotnet: no such file"
};

std::expected<Child, SpawnFailure> spawn(const SpawnPlan& plan);

// Once it has ended: why the program was never run; nothing if it was.
std::optional<SpawnFailure> why_not_run(const Child& child);

}  // namespace gatehouse
