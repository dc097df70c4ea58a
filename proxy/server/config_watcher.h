// Notices that files have changed, however that was done: written in place, replaced by a rename, or behind symbolic
// links of which one was swapped (as Kubernetes does with a mounted ConfigMap, and certbot with a renewed
// certificate). Waits until nothing has moved for 250 ms (2 s at most), so that a set of files is seen as a whole.
// Owned by the ConfigSource; control thread.
//
//   a folder of a file or link moved --> settled_ --> look: a file not as noted? --> changed(file)
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/file_watcher.h"
#include "common/timer.h"

namespace gatehouse {

class EventLoop;

class ConfigWatcher {
 public:
  // `changed` gets the name of one file that is not as it was noted, and may call watch() and note(). It is called
  // again after the next movement for as long as note() was not called.
  ConfigWatcher(EventLoop& loop, std::move_only_function<void(const std::string&)> changed);

  // These are the files from now on; what is watched are the folders that they, and the links to them, are in.
  // Returns true if there are others among them than before: all are then noted now, and what was read of them
  // earlier may be out of date. A folder that cannot be watched is left out.
  bool watch(std::vector<std::string> files);
  // Takes the files as they are now for known. To be called before they are read.
  void note();

 private:
  // What tells two versions of a file apart; all zero: there is none.
  struct Version {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::int64_t size = 0;
    // In nanoseconds.
    std::int64_t modified = 0;
    friend bool operator==(const Version&, const Version&) = default;
  };

  static Version version_of(const std::string& file);
  void watch_folders();
  void something_moved();
  void look();

  EventLoop& loop_;
  std::move_only_function<void(const std::string&)> changed_;
  std::map<std::string, Version> files_;
  FileWatcher watcher_;
  FileWatcher::Interest folders_;
  Timer settled_;
  // Of the movements that settled_ waits for the end of.
  MonotonicTime first_{};
};

}  // namespace gatehouse
