#include "proxy/server/config_watcher.h"

#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <filesystem>
#include <set>
#include <system_error>
#include <utility>

#include "common/event_loop.h"

namespace gatehouse {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::milliseconds kQuiet{250};
constexpr std::chrono::seconds kMostUnrest{2};
constexpr int kMostLinks = 40;  // as the kernel has it

// Every folder in which an entry that is replaced can make `path` another file: its own, and those of the symbolic
// links on the way to it.
void add_folders(const std::string& path, std::set<std::string>& folders) {
  std::error_code error;
  const fs::path whole = fs::absolute(path, error);
  fs::path at = whole.root_path();
  const fs::path from_root = whole.relative_path();
  std::deque<fs::path> rest(from_root.begin(), from_root.end());
  int links = 0;
  while (!rest.empty()) {
    const fs::path next = at / rest.front();
    rest.pop_front();
    const fs::path target = fs::read_symlink(next, error);
    if (error) {
      if (rest.empty()) folders.insert(at.string());
      at = next.lexically_normal();
      continue;
    }
    folders.insert(at.string());
    if (++links > kMostLinks) return;
    if (target.is_absolute()) at = target.root_path();
    const fs::path steps = target.relative_path();
    rest.insert(rest.begin(), steps.begin(), steps.end());
  }
}

}  // namespace

ConfigWatcher::ConfigWatcher(EventLoop& loop, std::move_only_function<void(const std::string&)> changed)
    : loop_(loop),
      changed_(std::move(changed)),
      watcher_(loop),
      folders_(watcher_, [this](const std::string&) { something_moved(); }),
      settled_(loop, [this] { look(); }) {}

bool ConfigWatcher::watch(std::vector<std::string> files) {
  const bool news = std::ranges::any_of(files, [this](const std::string& file) { return !files_.contains(file); });
  std::map<std::string, Version> versions;
  for (std::string& file : files) {
    const auto known = files_.find(file);
    // Noted after the folders are watched, below.
    versions.emplace(std::move(file), known == files_.end() ? Version{} : known->second);
  }
  files_ = std::move(versions);
  watch_folders();
  if (news) note();
  return news;
}

void ConfigWatcher::note() {
  for (auto& [file, version] : files_) version = version_of(file);
}

ConfigWatcher::Version ConfigWatcher::version_of(const std::string& file) {
  struct stat status{};
  if (::stat(file.c_str(), &status) != 0) return {};
  constexpr std::int64_t kSecond = 1'000'000'000;
  return {.device = status.st_dev,
          .inode = status.st_ino,
          .size = status.st_size,
          .modified = status.st_mtim.tv_sec * kSecond + status.st_mtim.tv_nsec};
}

void ConfigWatcher::watch_folders() {
  std::set<std::string> folders;
  for (const auto& [file, version] : files_) add_folders(file, folders);
  folders_.clear();
  for (const std::string& folder : folders) folders_.add_folder(folder);
}

void ConfigWatcher::something_moved() {
  const MonotonicTime now = loop_.now();
  if (!settled_.armed()) first_ = now;
  settled_.arm(std::min<Duration>(kQuiet, std::max(Duration::zero(), first_ + kMostUnrest - now)));
}

void ConfigWatcher::look() {
  watch_folders();  // links may lead elsewhere now
  const auto other =
      std::ranges::find_if(files_, [](const auto& entry) { return version_of(entry.first) != entry.second; });
  if (other != files_.end()) changed_(std::string(other->first));
}

}  // namespace gatehouse
