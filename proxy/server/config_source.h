// Where the configuration comes from: loads it at the start and at every reload, and, with `watch` in [server], says
// when it should be loaded again. What was loaded was already being watched when it was read, so that no change falls
// between the two. Owned by the Server; its thread.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "config/reading/load.h"
#include "proxy/server/config_watcher.h"

namespace gatehouse {

class ConfigSource {
 public:
  using Load = std::function<config::Loaded()>;

  // `changed` gets the file that is not as it was loaded; it may load.
  ConfigSource(EventLoop& loop, Load load, std::move_only_function<void(const std::string&)> changed);

  config::Loaded load();

 private:
  EventLoop& loop_;
  const Load load_;
  std::move_only_function<void(const std::string&)> changed_;
  std::unique_ptr<ConfigWatcher> watcher_;  // from the first configuration on that wants it
};

}  // namespace gatehouse
