// Where the configuration comes from: loads it at the start and at every reload, and, with `watch` in [server], says
// when it should be loaded again. What was loaded was already being watched when it was read, so that no change falls
// between the two. Owned by the Server; its thread.
//
//   load(): note() what the files are like -> load -> watch() the files that it names -> others among them? load again
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "config/reading/load.h"
#include "proxy/server/config_watcher.h"

namespace gatehouse {

class ConfigSource {
 public:
  // Reads the configuration from a file or from options, whichever the command line said.
  using Load = std::function<config::Loaded()>;

  // `changed` gets the name of a file that is not as it was loaded, from the loop and never inside load(); it may
  // call load(), and must not destroy this.
  ConfigSource(EventLoop& loop, Load load, std::move_only_function<void(const std::string&)> changed);

  // Loads, and watches what the outcome names if it says so. One with errors leaves the files of before watched. May
  // call the Load twice, so that what it returns is no older than what is watched.
  config::Loaded load();

 private:
  EventLoop& loop_;
  const Load load_;
  std::move_only_function<void(const std::string&)> changed_;
  // There from the first configuration on that wants it; it stays, with nothing to watch, when none does any more.
  std::unique_ptr<ConfigWatcher> watcher_;
};

}  // namespace gatehouse
