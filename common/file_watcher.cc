#include "common/file_watcher.h"

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
constexpr std::size_t kMostUnclaimed = 10'000;
}  // namespace

// The descriptor and who holds which of its watches: the system gives the same one to all who ask for the same folder.
class FileWatcher::Watches {
 public:
  Watches() : inotify_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {}

  int descriptor() const { return inotify_.get(); }

  std::optional<int> hold(const char* path) {
    const std::scoped_lock lock(mutex_);
    if (!inotify_) return std::nullopt;
    const int watch = ::inotify_add_watch(inotify_.get(), path, kEvents);
    if (watch < 0) return std::nullopt;
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

  void gone(int watch) {  // with its folder
    const std::scoped_lock lock(mutex_);
    holders_.erase(watch);
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

std::optional<FileWatcher::Held> FileWatcher::Handle::hold(int open_folder, std::string folder) const {
  const std::optional<int> watch = watches_->hold(("/proc/self/fd/" + std::to_string(open_folder)).c_str());
  if (!watch) return std::nullopt;
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
  if (gone) watches_->gone(watch);
  const auto found = interests_.find(watch);
  if (found == interests_.end()) {
    if (!gone && unclaimed_.size() < kMostUnclaimed) unclaimed_.insert(watch);
    return;
  }
  for (Interest* interest : found->second) {
    const auto held = interest->folders_.find(watch);
    interest->changed_(name.empty() ? std::string() : std::string(held->second.folder()).append("/").append(name));
    if (gone) interest->folders_.erase(held);
  }
  if (gone) interests_.erase(found);
}

bool FileWatcher::Interest::add_folder(const std::string& folder) {
  const std::optional<int> watch = watcher_.watches_->hold(folder.c_str());
  if (watch) adopt(Held(watcher_.watches_, *watch, folder));
  return watch.has_value();
}

void FileWatcher::Interest::adopt(Held held) {
  const int watch = held.watch_;
  if (folders_.insert_or_assign(watch, std::move(held)).second) watcher_.interests_[watch].push_back(this);
  if (watcher_.unclaimed_.erase(watch) > 0) changed_("");
}

void FileWatcher::Interest::clear() {
  for (const auto& [watch, held] : folders_) {
    const auto found = watcher_.interests_.find(watch);
    if (found == watcher_.interests_.end()) continue;
    std::erase(found->second, this);
    if (found->second.empty()) watcher_.interests_.erase(found);
  }
  folders_.clear();
}

}  // namespace gatehouse
