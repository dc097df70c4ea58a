// `gatehouse host`: a configuration without a file, to start an application and put Gatehouse in front of it: a
// command, or a published folder with a web.config. Called at the start and at every reload, when web.config is read
// again; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/config.h"
#include "config/reading/load.h"
#include "proxy/cli/front.h"

namespace gatehouse {

struct HostOptions {
  // The program and its arguments, or one word, a folder with a web.config.
  std::vector<std::string> command;
  // Empty: from the command.
  std::string name;
  // 0: not said.
  std::uint32_t instances = 0;
  // As in the file; empty: not said.
  std::string transport;
  // As in the file; empty: not said.
  std::string profile;
  // Empty: not said.
  std::string ready_path;
  // Variables of the app, each NAME=VALUE.
  std::vector<std::string> environment;
  // Where the app runs; empty: where the command was typed, or the folder with the web.config.
  std::string directory;
  // End with the app, by its exit code.
  bool exit_with_app = false;
  // The command is about to be run: that it cannot be is an error. False: a warning.
  bool starts_now = false;
  FrontOptions front;
};

// The same outcome as that of a file: one app, which is started at once, and a route of all requests to it. What was
// said by an option wins over web.config.
config::Loaded host_config(const HostOptions& options, CertificateStore& certificates);

// What an app is called if nobody says: after its script or assembly if the program runs such ones, else after the
// program. "app" if that leaves nothing.
std::string app_name_of(const std::vector<std::string>& command);

// Cuts off what stands behind "--" of `host`. Its first word makes CLI11's COMMAND; the others are kept from it, which
// would read more than words into them ("{}" is an empty list there).
std::vector<std::string> take_hosted_command(std::vector<std::string>& words);

}  // namespace gatehouse
