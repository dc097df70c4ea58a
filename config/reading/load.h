// From a file or a text to a valid configuration, or to every reason why it is none. Changes nothing. Any thread, at
// start and on reload.
//
//   text --toml++--> table --sections.h--> Config --validate()--> (load() alone) --validate_machine()--> Loaded
//                              |                        |                                |
//                              +-------- diagnostics, veiled and sorted by place --------+
//
// Whether a file is valid depends on the environment (for ${NAME}) and, with load(), on the machine.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "config/diagnostic.h"

namespace gatehouse::config {

struct Loaded {
  // Only if there is no error.
  std::optional<Config> config;
  // Those of the file as a whole first, then in the order of the file; with a config, warnings only.
  std::vector<Diagnostic> diagnostics;
};

// Loads `path`, a file of at most 1 MiB in UTF-8; relative paths inside are relative to its folder. Validated,
// including what the machine can tell: certificates and keys, permissions, users, programs of apps, file descriptors.
Loaded load(const std::string& path);

// As load(), but without what the machine would say, for a caller who asks it better: `gatehouse doctor`.
Loaded load_without_machine(const std::string& path);

// As load_without_machine(), but of `text` as if `filename` held it; no file is opened. For tests, fuzzing, and
// configurations that were made in memory.
Loaded parse(std::string_view text, const std::string& filename);

// Returns what the file says of the server, even if nothing else in it is right any more; values that are wrong are
// passed over. Nothing if it cannot be read or is no TOML. For the commands, which must reach a process whose file was
// broken since.
std::optional<Server> server_of(const std::string& path);
// Returns its control socket; "" if it names none, nothing as above.
std::optional<std::string> control_socket_of(const std::string& path);

}  // namespace gatehouse::config
