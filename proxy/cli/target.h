// Which running instance a command is for. Where that is not clear, whoever typed it is told what runs and asked:
// nothing is stopped or reloaded by guess. Blocking, since it connects to control sockets; main thread of a
// short-lived process.
//
//   --control PATH  >  --pid PID  >  FILE  >  ./gatehouse.toml, /etc/gatehouse/gatehouse.toml  >  the only one that runs
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"

namespace gatehouse {

struct Target {
  std::string file;     // FILE, --config; empty: the default one
  std::string control;  // --control
  std::string admin;    // --admin
  int pid = 0;          // --pid; 0: not said

  // Empty: there is none.
  std::string file_or_default() const;
};

// Its control socket. That somebody listens there is not certain where the socket or its FILE was named: a file may be
// broken by now, and its instance goes on. The error lists what runs if that is not one, or not what is meant.
Result<std::filesystem::path> find_control_socket(const Target& target);

// Under `heading` a line for each instance: process id, age, file, listeners, control socket.
std::string table_of_instances(std::string_view heading, const std::vector<std::filesystem::path>& sockets);

}  // namespace gatehouse
