// Tells who is interested that something in a folder has changed (inotify(7)). As few as can be, because the system
// lets a user have few: one for all apps, one for the configuration. One loop's thread, but for Handle. Interests are
// members of their owners and must be gone before it.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/fd.h"
#include "common/io_watcher.h"

namespace gatehouse {

class EventLoop;

class FileWatcher {
  class Watches;

 public:
  explicit FileWatcher(EventLoop& loop);

  // A watch of a folder that was opened where that may take long. Nothing is missed between this and its adoption by an
  // interest. Lets go of the watch when destroyed, on any thread.
  class Held {
   public:
    Held(Held&& other) noexcept = default;
    Held& operator=(Held&& other) noexcept = default;
    ~Held();
    const std::string& folder() const { return folder_; }

   private:
    friend class FileWatcher;
    Held(std::shared_ptr<Watches> watches, int watch, std::string folder)
        : watches_(std::move(watches)), watch_(watch), folder_(std::move(folder)) {}
    std::shared_ptr<Watches> watches_;  // null: moved from
    int watch_;
    std::string folder_;
  };
  // For other threads, and as long as they like.
  class Handle {
   public:
    // Watches what a descriptor is open on, whatever has its name by now; changes in it are told as those of `folder`.
    // Nothing if it cannot be watched.
    std::optional<Held> hold(int open_folder, std::string folder) const;

   private:
    friend class FileWatcher;
    explicit Handle(std::shared_ptr<Watches> watches) : watches_(std::move(watches)) {}
    std::shared_ptr<Watches> watches_;
  };
  Handle handle() const { return Handle(watches_); }

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
    void adopt(Held held);                       // tells at once if something has changed since it was taken
    void clear();

   private:
    friend class FileWatcher;
    FileWatcher& watcher_;
    std::move_only_function<void(const std::string&)> changed_;
    std::map<int, Held> folders_;  // by watch
  };

 private:
  void on_readable();
  void tell(int watch, const std::string& name, bool gone);

  std::shared_ptr<Watches> watches_;
  std::map<int, std::vector<Interest*>> interests_;  // by watch
  std::set<int> unclaimed_;                          // watches that have told something before anybody adopted them
  std::optional<IoWatcher> readable_;
};

// Whether a change of this path can matter to a running app: not what tools and interpreters keep for themselves.
bool matters(const std::string& path);

}  // namespace gatehouse
