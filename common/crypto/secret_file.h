// A secret of 32 random bytes that outlives the process: read from its file (mode 0600), which is made when it is not
// there, whole or not at all and never over another process's. Start-up only; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>

#include "common/result.h"

namespace gatehouse::secret_file {

struct Secret : std::array<std::uint8_t, 32> {  // every copy is wiped when it goes
  ~Secret();
};

Result<Secret> load_or_create(const std::filesystem::path& file);

}  // namespace gatehouse::secret_file
