// Where things are kept that are neither configuration nor logs: what must not survive a restart of the machine
// (control sockets, sockets of apps) in the runtime directory, what must (secrets, the self-signed certificate) in
// the state directory. Reads the environment each time, and makes a directory (mode 0700) when asked for it: at the
// start, with the first app, which a reload may bring, and in commands. Main thread.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "common/result.h"

namespace gatehouse::directories {

// The first of these that is set: $RUNTIME_DIRECTORY; /run/gatehouse for root, if it can be made;
// $XDG_RUNTIME_DIR/gatehouse; else the state directory. Makes it; an error if it cannot be made or written in.
Result<std::filesystem::path> runtime();

// runtime(), for everybody to go through (mode 0711 or more), to reach what is in it and for him.
Result<std::filesystem::path> passable_runtime();

// The first of these that is set: $STATE_DIRECTORY; $XDG_STATE_HOME/gatehouse; ~/.local/state/gatehouse. Makes it; an
// error if it cannot be made or written in, or none is set.
Result<std::filesystem::path> state();

// Where runtime() and state() would be, made or not; empty: nowhere. Make nothing.
std::filesystem::path runtime_path();
std::filesystem::path state_path();

// The path for the control socket of the instance that serves `config_file`, in the runtime directory, which it
// makes: the same for every spelling of the file's path. An instance without a file has one of its process id.
Result<std::filesystem::path> control_socket(const std::string& config_file);

// Every control socket in the runtime directory that somebody answers, by name. Connects to each of them.
std::vector<std::filesystem::path> live_control_sockets();

}  // namespace gatehouse::directories
