// Tells who is interested that something in a folder has changed (inotify(7)). As few as can be, because the system
// lets a user have few: one for all apps, one for the configuration. One loop's thread. Interests are members of their
// owners and must be gone before it.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/fd.h"
#include "common/io_watcher.h"

namespace gatehouse {

class EventLoop;

class FileWatcher {
 public:
  explicit FileWatcher(EventLoop& loop);

  // `changed` gets the full path of what was written, made, moved or removed, or "" if that is not known; it must not
  // destroy or change an interest.
  class Interest {
   public:
    Interest(FileWatcher& watcher, std::move_only_function<void(const std::string&)> changed)
        : watcher_(watcher), changed_(std::move(changed)) {}
    ~Interest() { clear(); }
    Interest(const Interest&) = delete;
    Interest& operator=(const Interest&) = delete;

    bool add_folder(const std::string& folder);  // false: it cannot be watched (yet)
    void add_tree(const std::string& folder);    // with the folders in it, as far as they may matter
    void clear();

   private:
    friend class FileWatcher;
    FileWatcher& watcher_;
    std::move_only_function<void(const std::string&)> changed_;
    std::map<int, std::string> folders_;  // by watch
  };

 private:
  void on_readable();
  void tell(int watch, const std::string& name, bool gone);

  Fd inotify_;
  std::map<int, std::vector<Interest*>> interests_;  // by watch
  std::optional<IoWatcher> readable_;
};

// Whether a change of this path can matter to a running app: not what tools and interpreters keep for themselves.
bool matters(const std::string& path);

}  // namespace gatehouse
