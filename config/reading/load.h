// From a file or a text to a valid configuration, or to every reason why it is none. Reads the file, the environment
// (for
// ${NAME}), the files of certificates and the limit on file descriptors; changes nothing. Any thread, at start and on
// reload.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "config/diagnostic.h"

namespace gatehouse::config {

struct Loaded {
  std::optional<Config> config;         // only if there is no error
  std::vector<Diagnostic> diagnostics;  // in the order of the file; with a config, warnings only
};

// Loads `path`; relative paths inside are relative to its folder. Validated, including what the machine can tell
// (certificates, permissions, file descriptors).
Loaded load(const std::string& path);

// As load(), but what the machine would say (certificates, programs, file descriptors) is left to who asks.
Loaded load_without_machine(const std::string& path);

// As load(), but of `text` as if `filename` held it, and without touching the machine: no certificate is opened, no
// resource limit asked. For tests, fuzzing, and configurations that were made in memory.
Loaded parse(std::string_view text, const std::string& filename);

// What the file says of the server, even if nothing else in it is right any more; nullopt if it cannot be read or is no
// TOML. For the commands, which must reach a process whose file was broken since.
std::optional<Server> server_of(const std::string& path);
// Its control socket; "" if it names none.
std::optional<std::string> control_socket_of(const std::string& path);

}  // namespace gatehouse::config
