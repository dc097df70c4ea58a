// What happens between fork and exec, in the child: system calls only, for another thread of the parent may have held
// any lock (malloc's, the log's) at the moment of the fork. Everything that it needs was laid out before, by spawn(),
// which owns what the plan points to.
//
//   setsid -> control group -> descriptors -> limits -> user -> directory -> signals -> exec
//                                  |                     |          |                    |
//                                  +---------------------+----------+--------------------+--> report, exit 127
#pragma once

#include <sys/types.h>

namespace gatehouse {

struct UserIdentity;

// What the child needs. Null-terminated lists are as for execve(2). No descriptor in it may be one of 0 to 3, which
// the child makes its own.
struct ChildPlan {
  // Full or relative paths of the program, tried in order as execvp(3) does.
  char* const* candidates = nullptr;
  char* const* arguments = nullptr;
  char* const* environment = nullptr;
  // Where the child writes its process id and a null: room for 20 characters and the null, within the environment or
  // not. Never null.
  char* listen_pid_digits = nullptr;
  // Null: the child stays where we are.
  const char* directory = nullptr;
  // Null: the child stays who we are.
  const UserIdentity* identity = nullptr;
  // Input, output and error.
  int standard[3] = {-1, -1, -1};
  // What becomes descriptor 3; -1: none.
  int listening = -1;
  // Open for writing, of the control group to join; -1: none. That it cannot be joined is no failure.
  int cgroup_procs = -1;
  // Where a ChildReport is written if something fails. It is close-on-exec: nothing comes if all goes well.
  int report = -1;
  // Our process. A child that finds another parent ends at once, since nobody would end it with us.
  pid_t parent = -1;
};

// What the child was at when it failed.
enum class ChildStep : int { kDescriptors, kIdentity, kDirectory, kExec };
// What the child says when it fails, as these bytes; small enough for a pipe to take as a whole.
struct ChildReport {
  ChildStep step;
  // The errno of the call that failed.
  int code;
  // With kExec: the program is there, as far as its user can see, so that ENOENT is about what it needs.
  bool found;
};

// Never returns: runs the program, or reports and ends. The program gets default signals, an umask of 022, a nice
// value of 0, the limit of open files that we were started with, and may gain no rights (PR_SET_NO_NEW_PRIVS). It is
// killed when the thread that forked ends (PR_SET_PDEATHSIG). REQUIRES: all signals are blocked.
[[noreturn]] void become_child(const ChildPlan& plan);

}  // namespace gatehouse
