// `gatehouse host`: a configuration without a file, to start an application and put Gatehouse in front of it: a
// command, or a published folder with a web.config. Start-up only.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/config.h"
#include "config/reading/load.h"
#include "proxy/cli/front.h"

namespace gatehouse {

struct HostOptions {
  std::vector<std::string> command;  // or one word, a folder with a web.config
  std::string name;                  // empty: from the command
  std::uint32_t instances = 0;       // 0: not said
  std::string transport;             // as in the file; empty: not said
  std::string profile;               // likewise
  std::string ready_path;
  std::vector<std::string> environment;  // NAME=VALUE
  std::string directory;                 // empty: where the command was typed
  FrontOptions front;
};

// The same outcome as that of a file: one app, which is started at once.
config::Loaded host_config(const HostOptions& options);

// What an app is called if nobody says: after its script or assembly if the program runs such ones, else after the
// program. "app" if that leaves nothing.
std::string app_name_of(const std::vector<std::string>& command);

}  // namespace gatehouse
