// What of PathPatterns is on disk at one moment, the watches by which changes of it are told, and whether it is as it was
// before. A name is looked at in the folder where it is and every link is followed by hand, so that each folder in which
// another entry would lead elsewhere is watched too: a swapped link (releases, the ..data of a Kubernetes mount), a
// folder that is renamed, and one that is not there yet. Values, made by a function that may block.
//
//   /srv/site/current/app.py     current -> releases/5
//   watched, for these names:    / srv, /srv site, /srv/site current, /srv/site releases, /srv/site/releases 5,
//                                /srv/site/current (which is releases/5) app.py
//
// A folder is watched before it is listed and a file is looked at afterwards, so that nothing falls in between.
#pragma once

#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/file_version.h"
#include "common/watch/file_watcher.h"
#include "common/watch/path_patterns.h"

namespace gatehouse {

// By path, as it was given and not as links lead; of a folder that is meant, with a slash behind it, only which one it is.
// A file that is not there is not in it.
using FileVersions = std::vector<std::pair<std::string, FileVersion>>;
// The first path whose version is not the same in both.
std::optional<std::string> difference(const FileVersions& before, const FileVersions& now);

// Rights that a scan has for as long as this lives; null: our own.
using ScanRights = std::shared_ptr<void>;
enum class ScanStep : std::uint8_t { kEnterFolder, kFollowLink };
// Whose rights a scan goes on with when it enters `folder`, or follows a link that is in it; it has `so_far` and keeps
// them below. Nothing: it does not go there. Empty: our own everywhere.
using ChooseRights =
    std::move_only_function<std::optional<ScanRights>(ScanStep, const struct stat& folder, const ScanRights& so_far)>;

struct FileScan {
  // How much is looked at; the folders on the way to what is meant count as well.
  struct Most {
    std::size_t folders = 4096;
    std::size_t files = 50'000;
    // Of folders one below the other.
    int depth = 64;
  };

  // Why some of it is not watched.
  enum class Limit : std::uint8_t { kNone, kFolders, kFiles, kWatches };

  std::vector<FileWatcher::Held> folders;
  // Names on the way, by full path: whatever happens to one of them is a change.
  std::set<std::string> way;
  FileVersions versions;
  Limit limit = Limit::kNone;
  // False if our own machine had no descriptor or no memory for it: then the versions say nothing.
  bool whole = true;
};
// "more than 4096 folders", ...; empty for kNone.
std::string for_people(FileScan::Limit limit, const FileScan::Most& most = {});

// Looks at all that `patterns` mean. What is not there, or may not be looked at, is left out. In a tree a link to a file
// is that file; of a link to a folder its files count and no folders, because it may lead back.
FileScan scan_files(const PathPatterns& patterns, const FileWatcher::Handle& watcher, ChooseRights rights = {},
                    const FileScan::Most& most = {});

}  // namespace gatehouse
