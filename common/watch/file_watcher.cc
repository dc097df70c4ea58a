#include "common/watch/file_watcher.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <utility>

#include "common/log.h"
#include "common/result.h"

namespace gatehouse {

namespace {
constexpr std::uint32_t kEvents =
    IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO | IN_CREATE | IN_DELETE | IN_MOVE_SELF | IN_ONLYDIR;
constexpr std::size_t kMostUnclaimed = 1000;  // of one folder
}  // namespace

// The descriptor and who holds which of its watches: the system gives the same one to all who ask for the same folder.
class FileWatcher::Watches {
 public:
  Watches() : inotify_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {}

  int descriptor() const { return inotify_.get(); }

  Result<int> hold(const std::string& path) {
    const std::scoped_lock lock(mutex_);
    const int watch = inotify_ ? ::inotify_add_watch(inotify_.get(), path.c_str(), kEvents) : -1;
    if (watch < 0) return system_failure("cannot watch a folder", errno);
    ++holders_[watch];
    return watch;
  }

  void let_go(int watch) {
    const std::scoped_lock lock(mutex_);
    const auto found = holders_.find(watch);
    if (found == holders_.end() || --found->second > 0) return;
    ::inotify_rm_watch(inotify_.get(), watch);
    holders_.erase(found);
  }

  // It has gone with its folder. Whether anybody held it.
  bool gone(int watch) {
    const std::scoped_lock lock(mutex_);
    return holders_.erase(watch) > 0;
  }

  std::size_t holders(int watch) {
    const std::scoped_lock lock(mutex_);
    const auto found = holders_.find(watch);
    return found == holders_.end() ? 0 : found->second;
  }

 private:
  std::mutex mutex_;
  Fd inotify_;
  std::map<int, std::size_t> holders_;
};

FileWatcher::Held& FileWatcher::Held::operator=(Held&& other) noexcept {
  std::swap(watches_, other.watches_);
  std::swap(watch_, other.watch_);
  std::swap(folder_, other.folder_);
  return *this;
}

FileWatcher::Held::~Held() {
  if (watches_) watches_->let_go(watch_);
}

FileWatcher::FileWatcher(EventLoop& loop) : watches_(std::make_shared<Watches>()) {
  if (watches_->descriptor() < 0) {
    log::warn("{}; changed files are noticed late or not", system_failure("inotify", errno).error().message);
    return;
  }
  readable_.emplace(loop, watches_->descriptor(), [this](IoEvents) { on_readable(); });
}

Result<FileWatcher::Held> FileWatcher::Handle::hold(int open_folder, std::string folder) const {
  const Result<int> watch = watches_->hold("/proc/self/fd/" + std::to_string(open_folder));
  if (!watch) return std::unexpected(watch.error());
  return Held(watches_, *watch, std::move(folder));
}

void FileWatcher::on_readable() {
  alignas(inotify_event) std::array<char, 16UL * 1024> buffer;
  while (true) {
    const ssize_t got = ::read(watches_->descriptor(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return;
    for (std::size_t at = 0; at < static_cast<std::size_t>(got);) {
      inotify_event event{};
      std::memcpy(&event, buffer.data() + at, sizeof event);
      std::string name = event.len > 0 ? buffer.data() + at + sizeof event : "";
      if (!name.empty() && (event.mask & IN_ISDIR) != 0) name += '/';
      if ((event.mask & IN_Q_OVERFLOW) != 0) {
        for (const auto& [watch, interested] : interests_) tell(watch, "");
      } else {
        tell(event.wd, name);
        if ((event.mask & IN_IGNORED) != 0) forget(event.wd);
      }
      at += sizeof event + event.len;
    }
  }
}

void FileWatcher::tell(int watch, const std::string& name) {
  if (watches_->holders(watch) > adopted(watch)) keep_for_adoption(watch, name);
  const auto found = interests_.find(watch);
  if (found == interests_.end()) return;
  for (Interest* interest : found->second) {
    const auto [first, last] = interest->folders_.equal_range(watch);
    for (auto held = first; held != last; ++held) interest->tell(held->second, name);
  }
}

std::size_t FileWatcher::adopted(int watch) const {
  const auto found = interests_.find(watch);
  if (found == interests_.end()) return 0;
  std::size_t count = 0;
  for (const Interest* interest : found->second) count += interest->folders_.count(watch);
  return count;
}

// Beyond the limit only that there was something.
void FileWatcher::keep_for_adoption(int watch, const std::string& name) {
  std::set<std::string>& names = unclaimed_[watch];
  names.insert(names.size() < kMostUnclaimed ? name : std::string());
}

// The watch has gone with its folder, or nobody has held it any more.
void FileWatcher::forget(int watch) {
  if (!watches_->gone(watch)) unclaimed_.erase(watch);
  const auto found = interests_.find(watch);
  if (found == interests_.end()) return;
  for (Interest* interest : found->second) interest->folders_.erase(watch);
  interests_.erase(found);
}

void FileWatcher::Interest::adopt(Held held) {
  const int watch = held.watch_;
  if (!folders_.contains(watch)) watcher_.interests_[watch].push_back(this);
  const auto added = folders_.emplace(watch, std::move(held));
  const auto unclaimed = watcher_.unclaimed_.find(watch);
  if (unclaimed == watcher_.unclaimed_.end()) return;
  for (const std::string& name : unclaimed->second) tell(added->second, name);
  if (watcher_.watches_->holders(watch) <= watcher_.adopted(watch)) watcher_.unclaimed_.erase(unclaimed);
}

void FileWatcher::Interest::tell(const Held& held, const std::string& name) {
  changed_(name.empty() ? std::string() : held.folder() + "/" + name);
}

void FileWatcher::Interest::replace(std::vector<Held> held) {
  const std::multimap<int, Held> before = std::exchange(folders_, {});
  leave(before);
  for (Held& folder : held) adopt(std::move(folder));
}

void FileWatcher::Interest::clear() {
  leave(folders_);
  folders_.clear();
}

void FileWatcher::Interest::leave(const std::multimap<int, Held>& folders) {
  for (const auto& [watch, held] : folders) {
    const auto found = watcher_.interests_.find(watch);
    if (found == watcher_.interests_.end()) continue;
    std::erase(found->second, this);
    if (found->second.empty()) watcher_.interests_.erase(found);
  }
}

}  // namespace gatehouse
