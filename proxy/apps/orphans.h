// What apps leave behind: orphans that we inherit as their subreaper (or as PID 1), zombies among them, and processes
// that have left their group or session. Owned by AppHost, control thread. A process that somebody waits for by its
// pidfd is never reaped here.
#pragma once

#include <sys/types.h>

#include <set>

#include "proxy/apps/process_table.h"

namespace gatehouse {

// From now on orphaned descendants become children of this process. Once, by the server, before it starts apps.
void become_subreaper();

// Whether we are PID 1, as in a container: the kernel gives us everybody's orphans, with or without apps.
bool inherits_strangers();

class Orphans {
 public:
  void own(pid_t pid) { owned_.insert(pid); }    // somebody waits for it
  void disown(pid_t pid) { owned_.erase(pid); }  // it has been waited for
  void reap();                                   // every dead child that nobody waits for
  // Sends SIGKILL to all of the tree until nothing new is found. The leader must not have been reaped yet, or its
  // number could be somebody else's.
  static void kill_tree(const TreeMark& mark);

 private:
  std::set<pid_t> owned_;
};

}  // namespace gatehouse
