#include "proxy/apps/process/orphans.h"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <utility>

#include "common/log.h"
#include "common/result.h"

namespace gatehouse {

namespace {
constexpr int kMostPasses = 16;  // against a tree that forks faster than it is killed
}

void become_subreaper() {
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) {
    log::warn("{}", system_failure("cannot adopt what apps leave behind", errno).error().message);
  }
}

bool inherits_strangers() {
  return ::getpid() == 1;
}

void Orphans::reap() {
  siginfo_t info{};
  if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) return;
  const pid_t self = ::getpid();
  const ProcessTable processes = ProcessTable::read();
  for (const ProcessEntry& entry : processes.entries()) {
    if (entry.zombie && entry.parent == self && !owned_.contains(entry.pid)) {
      ::waitid(P_PID, static_cast<id_t>(entry.pid), nullptr, WEXITED | WNOHANG);
    }
  }
}

void Orphans::kill_tree(const TreeMark& mark) {
  if (mark.leader <= 1) return;
  ::kill(-mark.leader, SIGKILL);
  std::set<std::pair<pid_t, std::uint64_t>> killed;  // numbers come back
  for (int pass = 0; pass < kMostPasses; ++pass) {
    const std::size_t before = killed.size();
    for (const ProcessEntry& entry : ProcessTable::read().tree(mark)) {
      if (!entry.zombie && killed.emplace(entry.pid, entry.started).second) ProcessTable::signal(entry, SIGKILL);
    }
    if (killed.size() == before) return;
  }
}

}  // namespace gatehouse
