#include "proxy/apps/process/cgroup.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <format>
#include <fstream>
#include <sstream>
#include <string_view>

#include "common/crypto/random.h"
#include "common/log.h"

namespace gatehouse {

namespace {

constexpr std::string_view kFolderPrefix = "gatehouse-";

void write_to(const std::string& file, const char* text) {
  const Fd fd(::open(file.c_str(), O_WRONLY | O_CLOEXEC));
  const std::string_view bytes = text;
  if (fd && ::write(fd.get(), bytes.data(), bytes.size()) >= 0) return;
  log::debug("cannot write {} to {}", bytes, file);
}

// Removes the empty groups in a folder; the system refuses where somebody lives.
void remove_groups_in(const std::string& folder) {
  std::error_code error;
  for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    std::error_code not_a_folder;
    if (at->is_directory(not_a_folder)) ::rmdir(at->path().c_str());
  }
}

// Whoever uses a folder holds its lock, which all see whatever they call the process.
Fd lock_folder(const std::string& path) {
  Fd folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder || ::flock(folder.get(), LOCK_EX | LOCK_NB) != 0) return {};
  return folder;
}

// What another Gatehouse could not remove before it was killed: what its apps had started may still live there.
void remove_leftovers(const std::string& own) {
  std::error_code error;
  for (std::filesystem::directory_iterator at(own, error), end; !error && at != end; at.increment(error)) {
    if (!at->path().filename().native().starts_with(kFolderPrefix)) continue;
    const Fd folder = lock_folder(at->path().native());
    if (!folder) continue;
    write_to(at->path().native() + "/cgroup.kill", "1");
    remove_groups_in(at->path().native());
    ::rmdir(at->path().c_str());
  }
}

}  // namespace

// See proc_pid_mountinfo(5).
std::string cgroup_mount_point() {
  std::ifstream mounts("/proc/self/mountinfo");
  for (std::string line; std::getline(mounts, line);) {
    if (!line.contains(" - cgroup2 ")) continue;
    std::istringstream words(line);
    std::string id, parent, device, root, point;
    words >> id >> parent >> device >> root >> point;
    return point;
  }
  return {};
}

std::string own_cgroup() {
  std::ifstream groups("/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    if (line.starts_with("0::")) return line.substr(3);
  }
  return {};
}

Cgroup::~Cgroup() {
  if (!path_.empty()) ::rmdir(path_.c_str());
}

Fd Cgroup::open_procs() const {
  return Fd(::open((path_ + "/cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC));
}

void Cgroup::kill() const {
  write_to(path_ + "/cgroup.kill", "1");
}

Cgroups::Cgroups() {
  const std::string mount = cgroup_mount_point();
  const std::string own = own_cgroup();
  if (mount.empty() || own.empty()) return;
  own_ = own == "/" ? mount : mount + own;
  remove_leftovers(own_);
  const std::string folder = std::format("{}/{}{:016x}", own_, kFolderPrefix, random::fast());
  if (::mkdir(folder.c_str(), 0755) != 0) return;
  lock_ = lock_folder(folder);
  if (lock_) folder_ = folder;
}

Cgroups::~Cgroups() {
  if (folder_.empty()) return;
  sweep();
  ::rmdir(folder_.c_str());
}

void Cgroups::sweep() const {
  if (!folder_.empty()) remove_groups_in(folder_);
}

std::optional<Cgroup> Cgroups::make(std::uint64_t id) const {
  if (folder_.empty()) return std::nullopt;
  const std::string path = folder_ + "/app-" + std::to_string(id);
  if (::mkdir(path.c_str(), 0755) != 0) return std::nullopt;
  return Cgroup(path);
}

std::uint64_t Cgroups::oom_kills() const {
  // Without the memory controller of v2 the machine's own count has to do.
  std::ifstream events(own_ + "/memory.events");
  if (own_.empty() || !events) events = std::ifstream("/proc/vmstat");
  std::string name;
  for (std::uint64_t count = 0; events >> name >> count;) {
    if (name == "oom_kill") return count;
  }
  return 0;
}

}  // namespace gatehouse
