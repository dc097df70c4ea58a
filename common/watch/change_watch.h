// Says when files that are meant should be looked at again: something has moved that may concern them, and nothing has
// moved since for a while. Owns the watches of the last scan; what has changed is for its owner to find out by another
// one. A member of its owner, which decides where scans are made; its loop's thread.
//
//   a watch told --may concern them?--> settled --moved()--> the owner scans --adopt(scan)--> watches anew
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>

#include "common/clock.h"
#include "common/timer.h"
#include "common/watch/file_scan.h"

namespace gatehouse {

class EventLoop;

class ChangeWatch {
 public:
  struct Timing {
    // Nothing must have moved for so long, so that what belongs together is seen together.
    Duration quiet;
    // But this is the longest from the first movement on.
    Duration most_unrest;
  };

  // `moved` is called from the loop, never inside adopt() or clear(), and may call both.
  ChangeWatch(EventLoop& loop, FileWatcher& watcher, Timing timing, std::move_only_function<void()> moved);

  // Takes over the watches of a scan of `patterns`, in place of those that there were. What has moved since they were
  // taken counts.
  void adopt(std::shared_ptr<const PathPatterns> patterns, FileScan& scan);
  // Nothing is watched, and nothing told, until the next adopt().
  void clear();

 private:
  void on_change(const std::string& path);

  EventLoop& loop_;
  Timing timing_;
  // Null: nothing is watched.
  std::shared_ptr<const PathPatterns> patterns_;
  std::set<std::string> way_;
  FileWatcher::Interest folders_;
  // Of the movements that settled_ waits for the end of.
  MonotonicTime first_{};
  Timer settled_;
};

}  // namespace gatehouse
