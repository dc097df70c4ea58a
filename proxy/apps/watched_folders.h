// The files in which a change matters to an app, found and watched with the rights of its user: those that replace it,
// and the folder in which its offline file may come to be. Values that are made on a FileThread and adopted by the App
// on the loop.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/watch/file_scan.h"
#include "common/watch/file_watcher.h"
#include "common/watch/path_patterns.h"
#include "proxy/apps/app_spec.h"
#include "proxy/apps/files/app_file.h"
#include "proxy/apps/files/offline_page.h"

namespace gatehouse {

struct WatchedFolders {
  // The folder of the offline file.
  std::vector<FileWatcher::Held> offline;
  // What recycle.on_change means.
  FileScan changes;
};

// What recycle.on_change means. What the app itself or its operator writes there, its output and its offline file, is
// no change of it.
PathPatterns watched_by(const AppSpec& spec);

// What cannot be watched is left out: it is not there, the user may not list it, or there is too much of it, as
// `changes.limit` says. May block.
WatchedFolders watch_folders_of(const AppSpec& spec, const AppUser& user, const FileWatcher::Handle& watcher);

// The page that takes the app offline now. With kAspNetCore its file may be spelt in any case: what deploys for IIS
// writes App_Offline.htm or app_offline.htm. May block.
std::optional<OfflinePage> offline_page_of(const AppSpec& spec, const AppUser& user);

}  // namespace gatehouse
