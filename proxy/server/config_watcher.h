// Notices that files have changed, however that was done: written in place, replaced by a rename, or behind symbolic
// links of which one was swapped (as Kubernetes does with a mounted ConfigMap, and certbot with a renewed certificate).
// Waits until nothing has moved for a moment, so that a set of files is seen as a whole. Owned by the ConfigSource;
// control thread.
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
  // `changed` gets the name of a file that is not as it was noted; it may call all of what follows.
  ConfigWatcher(EventLoop& loop, std::move_only_function<void(const std::string&)> changed);

  // These are the files from now on. True if there are others among them than before: they are noted now, and what was
  // read of them earlier may be out of date.
  bool watch(std::vector<std::string> files);
  // What the files are like now is known: to be called before they are read.
  void note();

 private:
  // What tells two versions of a file apart; all zero: there is none.
  struct Version {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::int64_t size = 0;
    std::int64_t modified = 0;  // nanoseconds
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
  MonotonicTime first_{};  // of the movements that settled_ waits for the end of
};

}  // namespace gatehouse
