// What apps leave behind: orphans that we inherit as their subreaper (or as PID 1), zombies among them, and processes
// that have left their group or session. Member of the AppContext, control thread. A process that somebody waits for
// by its pidfd is never reaped here.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <set>

#include "common/clock.h"
#include "proxy/apps/process/process_table.h"

namespace gatehouse {

// From now on orphaned descendants become children of this process. Called by the server when it starts and again
// before the first app; that it cannot be done is logged.
void become_subreaper();

// True if we are PID 1, as in a container: the kernel gives us everybody's orphans, with or without apps.
bool inherits_strangers();

class Orphans {
 public:
  // Somebody waits for this child, so that reap() leaves it alone, until disown(): it has been waited for.
  void own(pid_t pid) { owned_.insert(pid); }
  void disown(pid_t pid) { owned_.erase(pid); }
  // Waits for every dead child that nobody else waits for. Never blocks; walks /proc only if some child is dead.
  void reap();
  // Sends SIGKILL to all of the tree until nothing new is found (16 walks over /proc at most). The leader must not
  // have been reaped yet, or its number could be somebody else's.
  static void kill_tree(const TreeMark& mark);
  // After which a leader that has not gone yet is killed again, with what it has started meanwhile.
  static constexpr Duration kBetweenKills = std::chrono::seconds(1);

 private:
  std::set<pid_t> owned_;
};

}  // namespace gatehouse
