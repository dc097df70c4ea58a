// Notices that files have changed, however that was done: written in place, replaced by a rename, or behind symbolic
// links or folders of which one was swapped (as Kubernetes does with a mounted ConfigMap, and certbot with a renewed
// certificate). Waits until nothing has moved for 250 ms (2 s at most), so that a set of files is seen as a whole.
// Owned by the ConfigSource; control thread, on which it looks at the files as well: they are few, and read there.
//
//   something on the way to a file moved --> watch_ --> look: a file not as noted? --> changed(file)
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/watch/change_watch.h"
#include "common/watch/file_scan.h"
#include "common/watch/file_watcher.h"
#include "common/watch/path_patterns.h"

namespace gatehouse {

class EventLoop;

class ConfigWatcher {
 public:
  // `changed` gets the name of one file that is not as it was noted, and may call watch() and note(). It is called again
  // after the next movement for as long as note() was not called.
  ConfigWatcher(EventLoop& loop, std::move_only_function<void(const std::string&)> changed);

  // These are the files from now on, or patterns of files, as PathPatterns has them. Returns true if there are others
  // among them than before: all are then noted now, and what was read of them earlier may be out of date. A folder that
  // cannot be watched is left out.
  bool watch(std::vector<std::string> files);
  // These too, likewise.
  bool watch_too(const std::vector<std::string>& more);
  // Takes the files as they are now for known. To be called before they are read.
  void note();

 private:
  FileScan scan() const;
  void look();

  std::move_only_function<void(const std::string&)> changed_;
  // Sorted, each once.
  std::vector<std::string> files_;
  std::shared_ptr<const PathPatterns> patterns_;
  FileVersions known_;
  FileWatcher watcher_;
  ChangeWatch watch_;
};

}  // namespace gatehouse
