// The folders in which a change matters to an app, found and watched with the rights of its user: where the files that
// replace it are, with the folders in them as far as they may matter, and where its offline file may come to be. On a
// FileThread; an Interest on the loop adopts them.
#pragma once

#include <string>
#include <vector>

#include "common/file_watcher.h"
#include "proxy/apps/app_spec.h"
#include "proxy/apps/files/app_file.h"

namespace gatehouse {

struct WatchedFolders {
  std::vector<FileWatcher::Held> offline;
  std::vector<FileWatcher::Held> changes;
};

// What cannot be watched is left out: it is not there, the user may not list it, or the system allows no more watches.
WatchedFolders watch_folders_of(const AppSpec& spec, const AppUser& user, const FileWatcher::Handle& watcher);

}  // namespace gatehouse
