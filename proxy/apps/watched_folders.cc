#include "proxy/apps/watched_folders.h"

#include <filesystem>
#include <utility>

namespace gatehouse {

PathPatterns watched_by(const AppSpec& spec) {
  return PathPatterns(spec.recycle.on_change, {spec.offline_file, spec.output.path});
}

WatchedFolders watch_folders_of(const AppSpec& spec, const AppUser& user, const FileWatcher::Handle& watcher) {
  WatchedFolders found;
  if (!spec.offline_file.empty()) {
    const std::string path = std::filesystem::path(spec.offline_file).parent_path().native();
    const Result<OpenedFolder> folder = open_folder(path, user);
    Result<FileWatcher::Held> held = folder ? watcher.hold(folder->fd.get(), path) : std::unexpected(folder.error());
    if (held) found.offline.push_back(*std::move(held));
  }
  found.changes = scan_files(watched_by(spec), watcher, scan_rights(user));
  return found;
}

std::optional<OfflinePage> offline_page_of(const AppSpec& spec, const AppUser& user) {
  const bool in_any = spec.profile == AppProfile::kAspNetCore && !spec.offline_file.empty();
  return offline_page(in_any ? in_any_case(spec.offline_file, user) : spec.offline_file, user);
}

}  // namespace gatehouse
