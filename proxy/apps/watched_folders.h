// The folders in which a change matters to an app, found and watched with the rights of its user: where the files
// that replace it are, with the folders in them as far as they may matter, and where its offline file may come to be.
// Values that are made on a FileThread; an Interest of the App adopts them on the loop.
#pragma once

#include <string>
#include <vector>

#include "common/file_watcher.h"
#include "proxy/apps/app_spec.h"
#include "proxy/apps/files/app_file.h"

namespace gatehouse {

struct WatchedFolders {
  // The folder of the offline file.
  std::vector<FileWatcher::Held> offline;
  // Of each file in recycle.on_change its folder, of each folder the tree below it.
  std::vector<FileWatcher::Held> changes;
};

// What cannot be watched is left out: it is not there, the user may not list it, or the system allows no more
// watches. A tree is followed 64 folders deep and to 1000 folders; a link in it is watched and not followed further.
// May block.
WatchedFolders watch_folders_of(const AppSpec& spec, const AppUser& user, const FileWatcher::Handle& watcher);

// Whether a change of `path` is one of the app: a file that is named itself counts whatever its name, and its
// neighbours do not; below a folder that is named everything counts but what tools and interpreters keep for
// themselves. Pure, any thread.
bool is_change_of(const AppSpec& spec, const std::string& path);

}  // namespace gatehouse
