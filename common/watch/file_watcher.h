// Tells who is interested that something in a folder has changed (inotify(7)). There are as few of these objects as can
// be, because the system lets a user have few: one for all apps (AppContext), one for the configuration
// (ConfigWatcher). One loop's thread, but for Handle and Held. Interests are members of their owners and must be gone
// before it.
//
//   any thread    Handle --hold()--> Held --on the loop--> Interest::adopt(), replace()
//
// Without inotify (the log says so), and where the system's limit of watches is reached (hold() says so), changes are
// not told.
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
#include "common/result.h"

namespace gatehouse {

class EventLoop;

class FileWatcher {
  class Watches;

 public:
  explicit FileWatcher(EventLoop& loop);

  // A watch of a folder that was opened on a thread where that may take long. Nothing is missed between this and its
  // adoption by an interest. Lets go of the watch when destroyed, on any thread.
  class Held {
   public:
    Held(Held&& other) noexcept = default;
    // Swaps: the watch that was held here is let go of when `other` is destroyed.
    Held& operator=(Held&& other) noexcept;
    ~Held();
    const std::string& folder() const { return folder_; }

   private:
    friend class FileWatcher;
    Held(std::shared_ptr<Watches> watches, int watch, std::string folder)
        : watches_(std::move(watches)), watch_(watch), folder_(std::move(folder)) {}
    // Null once it was moved from.
    std::shared_ptr<Watches> watches_;
    int watch_;
    std::string folder_;
  };
  // For other threads, which may keep it for longer than the watcher lives.
  class Handle {
   public:
    // Watches the folder that a descriptor is open on, whatever has its name by now; changes in it are told as those of
    // `folder`. ENOSPC: the system lets the user watch no more.
    Result<Held> hold(int open_folder, std::string folder) const;

   private:
    friend class FileWatcher;
    explicit Handle(std::shared_ptr<Watches> watches) : watches_(std::move(watches)) {}
    std::shared_ptr<Watches> watches_;
  };
  Handle handle() const { return Handle(watches_); }

  // What one owner wants to know of. `changed` is called for each change, as often as there are some, with the full
  // path of what was written (and closed), made, moved or removed, and a slash at the end of a folder's; with "" where
  // that is not known, because events were lost or the folder itself was moved or removed. A folder that is gone is
  // watched no more. `changed` must not destroy or change an interest.
  class Interest {
   public:
    Interest(FileWatcher& watcher, std::move_only_function<void(const std::string&)> changed)
        : watcher_(watcher), changed_(std::move(changed)) {}
    ~Interest() { clear(); }
    Interest(const Interest&) = delete;
    Interest& operator=(const Interest&) = delete;

    // Takes over a watch; tells at once of what has changed since it was taken. A folder that is
    // held under several paths is told of by each of them.
    void adopt(Held held);
    // Takes over these in place of all that there were. What is in both is watched all the time.
    void replace(std::vector<Held> held);
    // Forgets all folders; nothing is told afterwards.
    void clear();

   private:
    friend class FileWatcher;
    void leave(const std::multimap<int, Held>& folders);
    void tell(const Held& held, const std::string& name);

    FileWatcher& watcher_;
    std::move_only_function<void(const std::string&)> changed_;
    std::multimap<int, Held> folders_;  // by watch
  };

 private:
  void on_readable();
  void tell(int watch, const std::string& name);
  void forget(int watch);
  // How often the watch was adopted, over all interests.
  std::size_t adopted(int watch) const;
  void keep_for_adoption(int watch, const std::string& name);

  std::shared_ptr<Watches> watches_;
  // By watch: several interests may have the same folder, for which the system gives only one watch.
  std::map<int, std::vector<Interest*>> interests_;
  // What watches have told, by name, before all who hold them had adopted them.
  std::map<int, std::set<std::string>> unclaimed_;
  std::optional<IoWatcher> readable_;
};

}  // namespace gatehouse
