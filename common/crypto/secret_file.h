// A secret of 32 random bytes that outlives the process: read from its file (mode 0600), which is made when it is not
// there, whole or not at all and never over another process's. For affinity cookies and for QUIC. Start-up only; any
// thread.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>

#include "common/result.h"

namespace gatehouse::secret_file {

// Every copy is wiped when it goes.
struct Secret : std::array<std::uint8_t, 32> {
  ~Secret();
};

// Fails for a file that does not hold 32 bytes exactly or cannot be read, and if a new one cannot be written; errors
// name the file. Its folder must exist.
Result<Secret> load_or_create(const std::filesystem::path& file);

}  // namespace gatehouse::secret_file
