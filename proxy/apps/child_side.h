// What happens between fork and exec, in the child: system calls only, for another thread of the parent may have held
// any lock (malloc's, the log's) at the moment of the fork. Everything that it needs was laid out before.
#pragma once

#include <sys/types.h>

namespace gatehouse {

struct UserIdentity;

struct ChildPlan {
  char* const* candidates = nullptr;  // full or relative paths, tried in order
  char* const* arguments = nullptr;
  char* const* environment = nullptr;
  char* listen_pid_digits = nullptr;  // room for 20 characters, within the environment
  const char* directory = nullptr;
  const UserIdentity* identity = nullptr;
  int standard[3] = {-1, -1, -1};
  int listening = -1;
  int cgroup_procs = -1;
  int report = -1;  // close-on-exec: nothing comes if all goes well
  pid_t parent = -1;
};

enum class ChildStep : int { kDescriptors, kIdentity, kDirectory, kExec };
struct ChildReport {
  ChildStep step;
  int code;    // errno
  bool found;  // kExec: the program is there, as far as its user can see
};

[[noreturn]] void become_child(const ChildPlan& plan);

}  // namespace gatehouse
