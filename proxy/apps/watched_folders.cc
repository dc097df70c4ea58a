#include "proxy/apps/watched_folders.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

namespace gatehouse {

namespace {

constexpr std::size_t kMostFolders = 1000;  // of one tree
constexpr std::size_t kMostNames = 200'000;
constexpr int kDeepest = 64;

// Not what tools and interpreters keep for themselves.
bool matters(const std::string& path) {
  const std::string_view name = std::string_view(path).substr(path.rfind('/') + 1);
  return !name.empty() && name.front() != '.' && name != "__pycache__" && name != "node_modules" &&
         !name.ends_with(".pyc") && !name.ends_with('~');
}

// Opens what it finds one below the other, so that no name is followed twice.
class TreeWalk {
 public:
  TreeWalk(const FileWatcher::Handle& watcher, AppUser as, std::vector<FileWatcher::Held>& found)
      : watcher_(watcher), as_(std::move(as)), found_(found) {}

  // REQUIRES: acts as the user
  void watch(const Fd& folder, const std::string& path, int depth) {
    if (std::optional<FileWatcher::Held> held = watcher_.hold(folder.get(), path)) found_.push_back(*std::move(held));
    if (depth == kDeepest) return;
    using Listing = std::unique_ptr<DIR, decltype([](DIR* open) { ::closedir(open); })>;
    const int own = ::fcntl(folder.get(), F_DUPFD_CLOEXEC, 0);
    const Listing listing(own < 0 ? nullptr : ::fdopendir(own));
    if (!listing) {
      if (own >= 0) ::close(own);
      return;
    }
    while (const dirent* const entry = ::readdir(listing.get())) {
      if (++names_ > kMostNames || found_.size() >= kMostFolders) return;
      look_at(*entry, folder, path, depth);
    }
  }

 private:
  void look_at(const dirent& entry, const Fd& folder, const std::string& path, int depth) {
    const bool may_be_one = entry.d_type == DT_DIR || entry.d_type == DT_LNK || entry.d_type == DT_UNKNOWN;
    const std::string below = path + "/" + entry.d_name;
    if (!may_be_one || !matters(below)) return;
    const Fd next = open_folder_in(folder.get(), entry.d_name, as_);
    if (!next) return;
    // What a link leads to is watched, and not what is in it: it may lead back.
    watch(next, below, entry.d_type == DT_LNK ? kDeepest : depth + 1);
  }

  const FileWatcher::Handle& watcher_;
  const AppUser as_;
  std::vector<FileWatcher::Held>& found_;
  std::size_t names_ = 0;
};

void watch_folder(const std::string& path, const AppUser& user, const FileWatcher::Handle& watcher,
                  std::vector<FileWatcher::Held>& found) {
  const Result<OpenedFolder> folder = open_folder(path, user);
  if (!folder) return;
  if (std::optional<FileWatcher::Held> held = watcher.hold(folder->fd.get(), path)) found.push_back(*std::move(held));
}

bool watch_tree(const std::string& path, const AppUser& user, const FileWatcher::Handle& watcher,
                std::vector<FileWatcher::Held>& found) {
  const Result<OpenedFolder> folder = open_folder(path, user);
  if (!folder) return false;
  const Result<std::optional<AsUser>> acting = act_as(folder->as);
  std::vector<FileWatcher::Held> tree;
  if (acting) TreeWalk(watcher, folder->as, tree).watch(folder->fd, path, 0);
  for (FileWatcher::Held& held : tree) found.push_back(std::move(held));
  return true;
}

std::string folder_of(const std::string& path) {
  return std::filesystem::path(path).parent_path().native();
}

}  // namespace

WatchedFolders watch_folders_of(const AppSpec& spec, const AppUser& user, const FileWatcher::Handle& watcher) {
  WatchedFolders found;
  if (!spec.offline_file.empty()) watch_folder(folder_of(spec.offline_file), user, watcher, found.offline);
  for (const std::string& path : spec.recycle.on_change) {
    if (!watch_tree(path, user, watcher, found.changes)) watch_folder(folder_of(path), user, watcher, found.changes);
  }
  return found;
}

bool is_change_of(const AppSpec& spec, const std::string& path) {
  return std::ranges::any_of(spec.recycle.on_change, [&](const std::string& watched) {
    return path == watched || (path.starts_with(watched + "/") && matters(path));
  });
}

}  // namespace gatehouse
