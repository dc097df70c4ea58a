// The commands that talk to a running process: over its control socket, or to its admin address. Blocking, with time
// limits; main thread of a short-lived process.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>

#include "common/address.h"
#include "common/result.h"

namespace gatehouse {

// What the process said of a command.
struct CommandOutcome {
  // Whether the last line was "ok" and not "failed".
  bool ok = false;
  // The lines before that one.
  std::string text;
};

// Which instance is meant: the control socket given, else that of the configuration file (which may be broken by
// now), else the only one that runs. The error lists them if there are several. That somebody listens there is not
// certain.
Result<std::filesystem::path> find_control_socket(const std::string& control, const std::string& config_file);

// Sends one command and reads until the process closes the connection (for "stop": until it has ended; an hour at
// most). An error: it could not be reached, or ended without an outcome.
Result<CommandOutcome> send_command(const std::filesystem::path& socket, std::string_view command);

// The admin address: the one given, else that of the configuration file, else the default one. A wildcard stands for
// this machine's loopback address. An error if it is turned off or the file cannot be read.
Result<Address> find_admin_address(const std::string& admin, const std::string& config_file);

// The body of a 200 answer to GET `path`; what else was answered is the error. `patience` is for connecting, and for
// each time that nothing comes.
Result<std::string> fetch(const Address& address, std::string_view path,
                          std::chrono::seconds patience = std::chrono::seconds(10));

}  // namespace gatehouse
