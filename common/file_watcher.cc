#include "common/file_watcher.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string_view>

#include "common/log.h"
#include "common/result.h"

namespace gatehouse {

namespace {
constexpr std::uint32_t kEvents =
    IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO | IN_CREATE | IN_DELETE | IN_MOVE_SELF | IN_ONLYDIR;
constexpr std::size_t kMostFolders = 1000;  // of one tree
}  // namespace

FileWatcher::FileWatcher(EventLoop& loop) : inotify_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {
  if (!inotify_) {
    log::warn("{}; changed files are noticed late or not", system_failure("inotify", errno).error().message);
    return;
  }
  readable_.emplace(loop, inotify_.get(), [this](IoEvents) { on_readable(); });
}

void FileWatcher::on_readable() {
  alignas(inotify_event) std::array<char, 16UL * 1024> buffer;
  while (true) {
    const ssize_t got = ::read(inotify_.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return;
    for (std::size_t at = 0; at < static_cast<std::size_t>(got);) {
      inotify_event event{};
      std::memcpy(&event, buffer.data() + at, sizeof event);
      const char* name = event.len > 0 ? buffer.data() + at + sizeof event : "";
      if ((event.mask & IN_Q_OVERFLOW) != 0) {
        for (const auto& [watch, interested] : interests_) tell(watch, "", false);
      } else {
        tell(event.wd, name, (event.mask & IN_IGNORED) != 0);
      }
      at += sizeof event + event.len;
    }
  }
}

void FileWatcher::tell(int watch, const std::string& name, bool gone) {
  const auto found = interests_.find(watch);
  if (found == interests_.end()) return;
  for (Interest* interest : found->second) {
    const std::string& folder = interest->folders_[watch];
    interest->changed_(name.empty() ? std::string() : std::string(folder).append("/").append(name));
    if (gone) interest->folders_.erase(watch);
  }
  if (gone) interests_.erase(found);
}

bool FileWatcher::Interest::add_folder(const std::string& folder) {
  if (!watcher_.inotify_) return false;
  const int watch = ::inotify_add_watch(watcher_.inotify_.get(), folder.c_str(), kEvents);
  if (watch < 0) return false;
  if (folders_.insert_or_assign(watch, folder).second) watcher_.interests_[watch].push_back(this);
  return true;
}

void FileWatcher::Interest::add_tree(const std::string& folder) {
  add_folder(folder);
  std::error_code error;
  std::size_t count = 0;
  namespace fs = std::filesystem;
  for (fs::recursive_directory_iterator at(folder, fs::directory_options::skip_permission_denied, error), end;
       !error && at != end && count < kMostFolders; at.increment(error)) {
    std::error_code unknown;
    if (!at->is_directory(unknown)) continue;
    if (!matters(at->path().native())) {
      at.disable_recursion_pending();
      continue;
    }
    add_folder(at->path().native());
    ++count;
  }
}

void FileWatcher::Interest::clear() {
  for (const auto& [watch, folder] : folders_) {
    const auto found = watcher_.interests_.find(watch);
    if (found == watcher_.interests_.end()) continue;
    std::erase(found->second, this);
    if (!found->second.empty()) continue;
    ::inotify_rm_watch(watcher_.inotify_.get(), watch);
    watcher_.interests_.erase(found);
  }
  folders_.clear();
}

bool matters(const std::string& path) {
  const std::string_view name = std::string_view(path).substr(path.rfind('/') + 1);
  return !name.empty() && name.front() != '.' && name != "__pycache__" && name != "node_modules" &&
         !name.ends_with(".pyc") && !name.ends_with('~');
}

}  // namespace gatehouse
