#include "proxy/apps/process/process_table.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <optional>
#include <set>
#include <string_view>

#include "common/fd.h"
#include "common/text.h"

namespace gatehouse {

namespace {

std::string contents(const std::string& path, std::size_t most) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text(most, '\0');
  std::size_t used = 0;
  while (file && used < most) {
    const ssize_t got = ::read(file.get(), text.data() + used, most - used);
    if (got <= 0) break;
    used += static_cast<std::size_t>(got);
  }
  text.resize(used);
  return text;
}

// Field `index` of what follows the name in /proc/PID/stat, counted from 0 (the state), see proc_pid_stat(5).
std::int64_t field(std::string_view rest, int index) {
  for (; index > 0; --index) rest.remove_prefix(std::min(rest.find(' '), rest.size() - 1) + 1);
  std::int64_t value = 0;
  std::from_chars(rest.data(), rest.data() + rest.size(), value);
  return value;
}

std::optional<ProcessEntry> entry_of(pid_t pid) {
  const std::string stat = contents("/proc/" + std::to_string(pid) + "/stat", 1024);
  const std::size_t name_end = stat.rfind(')');  // the name itself may contain anything
  if (name_end == std::string::npos || name_end + 2 >= stat.size()) return std::nullopt;
  const std::string_view rest = std::string_view(stat).substr(name_end + 2);
  static const auto kPageSize = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  return ProcessEntry{.pid = pid,
                      .parent = static_cast<pid_t>(field(rest, 1)),
                      .session = static_cast<pid_t>(field(rest, 3)),
                      .started = static_cast<std::uint64_t>(field(rest, 19)),
                      .resident_bytes = static_cast<std::uint64_t>(field(rest, 21)) * kPageSize,
                      .zombie = rest.front() == 'Z' || rest.front() == 'X'};
}

bool bears(pid_t pid, const std::string& variable) {
  const std::string environment = contents("/proc/" + std::to_string(pid) + "/environ", 256UL * 1024);
  return !variable.empty() && ('\0' + environment).contains('\0' + variable + '\0');
}

}  // namespace

ProcessTable ProcessTable::read() {
  ProcessTable table;
  std::error_code error;
  for (std::filesystem::directory_iterator at("/proc", error), end; !error && at != end; at.increment(error)) {
    const auto pid = text::parse_decimal(at->path().filename().native());
    if (!pid) continue;
    if (auto entry = entry_of(static_cast<pid_t>(*pid))) table.entries_.push_back(*entry);
  }
  std::ranges::sort(table.entries_, {}, &ProcessEntry::pid);
  return table;
}

// A descriptor that was opened before the process was seen once more, unchanged, is of that process.
void ProcessTable::signal(const ProcessEntry& process, int number) {
  const Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, process.pid, 0)));
  if (!pidfd) return;
  const std::optional<ProcessEntry> now = entry_of(process.pid);
  if (!now || now->started != process.started) return;
  ::syscall(SYS_pidfd_send_signal, pidfd.get(), number, nullptr, 0);
}

std::vector<ProcessEntry> ProcessTable::tree(const TreeMark& mark) const {
  const pid_t self = ::getpid();
  std::set<pid_t> members;
  for (const ProcessEntry& entry : entries_) {
    const bool ours = entry.pid == mark.leader || entry.session == mark.leader;
    if (ours || (entry.parent == self && entry.session != self && bears(entry.pid, mark.variable))) {
      members.insert(entry.pid);
    }
  }
  // Pids wrap around: a child may have a lower one than its parent, so one pass need not be enough.
  for (bool grew = true; grew;) {
    grew = false;
    for (const ProcessEntry& entry : entries_) {
      grew |= members.contains(entry.parent) && members.insert(entry.pid).second;
    }
  }
  std::vector<ProcessEntry> found;
  std::ranges::copy_if(entries_, std::back_inserter(found), [&](const auto& e) { return members.contains(e.pid); });
  return found;
}

std::uint64_t ProcessTable::resident_bytes(const TreeMark& mark) const {
  std::uint64_t sum = 0;
  for (const ProcessEntry& entry : tree(mark)) sum += entry.resident_bytes;
  return sum;
}

}  // namespace gatehouse
