#include "common/watch/change_watch.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "common/event_loop.h"

namespace gatehouse {

ChangeWatch::ChangeWatch(EventLoop& loop, FileWatcher& watcher, Timing timing, std::move_only_function<void()> moved)
    : loop_(loop),
      timing_(timing),
      folders_(watcher, [this](const std::string& path) { on_change(path); }),
      settled_(loop, std::move(moved)) {}

void ChangeWatch::adopt(std::shared_ptr<const PathPatterns> patterns, FileScan& scan) {
  patterns_ = std::move(patterns);
  way_ = std::move(scan.way);
  folders_.replace(std::move(scan.folders));
}

void ChangeWatch::clear() {
  patterns_.reset();
  way_.clear();
  folders_.clear();
  settled_.disarm();
}

// An empty path: nobody knows.
void ChangeWatch::on_change(const std::string& path) {
  const std::string_view name = std::string_view(path).substr(0, path.size() - (path.ends_with('/') ? 1 : 0));
  if (!path.empty() && !way_.contains(std::string(name)) && !patterns_->may_concern(path)) return;
  const MonotonicTime now = loop_.now();
  if (!settled_.armed()) first_ = now;
  settled_.arm(std::min<Duration>(timing_.quiet, std::max(Duration::zero(), first_ + timing_.most_unrest - now)));
}

}  // namespace gatehouse
