// Where things are kept that are neither configuration nor logs: what must not survive a restart of the machine
// (control sockets) in the runtime directory, what must (secrets, the self-signed certificate) in the state directory.
// Reads the environment; makes a directory (mode 0700) when asked for it. Start-up and command line only.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "common/result.h"

namespace gatehouse::directories {

// $RUNTIME_DIRECTORY; /run/gatehouse for root; $XDG_RUNTIME_DIR/gatehouse; else the state directory.
Result<std::filesystem::path> runtime();

// $STATE_DIRECTORY; $XDG_STATE_HOME/gatehouse; ~/.local/state/gatehouse.
Result<std::filesystem::path> state();

// Where runtime() and state() would be, made or not; empty: nowhere.
std::filesystem::path runtime_path();
std::filesystem::path state_path();

// The control socket of the instance that serves `config_file`, in the runtime directory: the same for every spelling
// of the path. An instance without a file has one of its process id.
Result<std::filesystem::path> control_socket(const std::string& config_file);

// Every control socket in the runtime directory that somebody answers.
std::vector<std::filesystem::path> live_control_sockets();

}  // namespace gatehouse::directories
