// The machine's processes at one moment, as /proc tells: who belongs to the tree of an instance, and how much memory
// it holds. A value, any thread; reading it costs a walk over /proc, and what it says may be out of date at once.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace gatehouse {

// One process, from /proc/PID/stat (proc_pid_stat(5)).
struct ProcessEntry {
  pid_t pid = 0;
  pid_t parent = 0;
  pid_t session = 0;
  // When it started, in the machine's clock ticks: tells it from a later one of the same number.
  std::uint64_t started = 0;
  std::uint64_t resident_bytes = 0;
  // It has ended, and its parent has not waited for it yet.
  bool zombie = false;
};

// By what a tree is known: its leader, and a variable in the environment of all that it starts.
struct TreeMark {
  pid_t leader = 0;
  // "GATEHOUSE_INSTANCE=..."; empty matches nobody.
  std::string variable;
};

class ProcessTable {
 public:
  // Takes what is there now. Processes that end meanwhile may be missing.
  static ProcessTable read();

  // Sends a signal to this process, and to none that has got its number since.
  static void signal(const ProcessEntry& process, int number);

  // The leader, its session, those of our own orphans that bear the mark, and the descendants of all of them; by
  // rising pid.
  std::vector<ProcessEntry> tree(const TreeMark& mark) const;
  // Sums up the whole tree; memory that several of its processes share counts once for each.
  std::uint64_t resident_bytes(const TreeMark& mark) const;
  const std::vector<ProcessEntry>& entries() const { return entries_; }

 private:
  // By rising pid.
  std::vector<ProcessEntry> entries_;
};

}  // namespace gatehouse
