#include "proxy/server/config_watcher.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include "common/event_loop.h"

namespace gatehouse {
namespace {

constexpr ChangeWatch::Timing kTiming{.quiet = std::chrono::milliseconds(250), .most_unrest = std::chrono::seconds(2)};

std::string absolute(const std::string& file) {
  std::error_code error;
  const std::filesystem::path whole = std::filesystem::absolute(file, error);
  return error ? file : whole.lexically_normal().native();
}

}  // namespace

ConfigWatcher::ConfigWatcher(EventLoop& loop, std::move_only_function<void(const std::string&)> changed)
    : changed_(std::move(changed)),
      patterns_(std::make_shared<const PathPatterns>(std::vector<std::string>())),
      watcher_(loop),
      watch_(loop, watcher_, kTiming, [this] { look(); }) {}

bool ConfigWatcher::watch(std::vector<std::string> files) {
  for (std::string& file : files) file = absolute(file);
  std::ranges::sort(files);
  const auto again = std::ranges::unique(files);
  files.erase(again.begin(), again.end());
  const bool news = !std::ranges::includes(files_, files);
  files_ = std::move(files);
  patterns_ = std::make_shared<const PathPatterns>(files_);
  FileScan found = scan();
  watch_.adopt(patterns_, found);
  if (news) {
    known_ = std::move(found.versions);
  } else {
    std::erase_if(known_, [this](const auto& one) { return !patterns_->may_concern(one.first); });
  }
  return news;
}

bool ConfigWatcher::watch_too(const std::vector<std::string>& more) {
  std::vector<std::string> all = files_;
  all.insert(all.end(), more.begin(), more.end());
  return watch(std::move(all));
}

void ConfigWatcher::note() {
  known_ = scan().versions;
}

FileScan ConfigWatcher::scan() const {
  return scan_files(*patterns_, watcher_.handle());
}

// The watches are taken anew: links may lead elsewhere.
void ConfigWatcher::look() {
  FileScan found = scan();
  watch_.adopt(patterns_, found);
  if (!found.whole) return;
  if (const std::optional<std::string> other = difference(known_, found.versions)) changed_(*other);
}

}  // namespace gatehouse
