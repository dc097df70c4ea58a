// From a file or a text to a valid configuration, or to every reason why it is none. Changes nothing. Any thread, at
// start and on reload.
//
//   files --Assembly, toml++--> tables --sections.h--> Config --validate()--> (load()) --validate_machine()--> Loaded
//                                  |                              |                             |
//                                  +----------- diagnostics, veiled and sorted by place --------+
//
// Whether a file is valid depends on the environment (for ${NAME}) and, with load(), on the machine.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "config/diagnostic.h"
#include "config/sources.h"

namespace gatehouse {
class CertificateStore;
}

namespace gatehouse::config {

struct Loaded {
  // Only if there is no error.
  std::optional<Config> config;
  // File by file in the order of reading; of each those of the file as a whole first, then in the order of the file.
  // With a config, warnings only.
  std::vector<Diagnostic> diagnostics;
  // Those files that were found, even if nothing came of them.
  Sources sources;
};

// Loads `path` and what it includes, in UTF-8 and of at most 64 MiB together; relative paths inside a file are relative
// to its folder. Validated, including what the machine can tell: certificates and keys, permissions, users, programs of
// apps, file descriptors. What is read of certificates stays in `certificates`, for who puts the configuration into force.
Loaded load(const std::string& path, CertificateStore& certificates);
// The same for who only wants to know.
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
