// The machine's processes at one moment, as /proc tells: who belongs to the tree of an instance, and how much memory it
// holds. A value; reading it costs a walk over /proc.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace gatehouse {

struct ProcessEntry {
  pid_t pid = 0;
  pid_t parent = 0;
  pid_t session = 0;
  std::uint64_t started = 0;  // in the machine's ticks: tells it from a later one of the same number
  std::uint64_t resident_bytes = 0;
  bool zombie = false;
};

// Whose tree: the session's leader, and what stands in the environment of all that it starts.
struct TreeMark {
  pid_t leader = 0;
  std::string variable;  // "GATEHOUSE_INSTANCE=..."
};

class ProcessTable {
 public:
  static ProcessTable read();

  // Sends a signal to this process, and to none that has got its number since.
  static void signal(const ProcessEntry& process, int number);

  // The leader, its session, those of our own orphans that bear the mark, and the descendants of all of them.
  std::vector<ProcessEntry> tree(const TreeMark& mark) const;
  std::uint64_t resident_bytes(const TreeMark& mark) const;
  const std::vector<ProcessEntry>& entries() const { return entries_; }

 private:
  std::vector<ProcessEntry> entries_;  // by rising pid
};

}  // namespace gatehouse
