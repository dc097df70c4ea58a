// One file of a configuration as it lies on disk, read whole, and who may write into it. Opens and reads, and changes
// nothing. Any thread.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <utility>
#include <vector>

#include "config/diagnostic.h"
#include "config/sources.h"

namespace gatehouse::config {

// Of all files of a configuration together.
inline constexpr std::size_t kMostText = std::size_t{64} * 1024 * 1024;

// kNamed: by the user, who may mean a pipe; kIncluded: by another file, so that only a regular one can be meant.
enum class SourceRole : std::uint8_t { kNamed, kIncluded };

struct SourceFile {
  std::string text;
  // The same for all names and links of a file.
  std::pair<dev_t, ino_t> identity;
};

// Returns the file, or why it cannot be one: it is not there or not ours to read, a folder, no UTF-8, or larger than
// `most` bytes. Of one that is larger no more than that is read. A named pipe that is included is not waited for.
std::expected<SourceFile, std::string> read_source(const std::string& path, SourceRole role, std::size_t most);

// Warns of files, and of folders of patterns, into which every user of this machine may write.
std::vector<Diagnostic> warnings_of_writers(const Sources& sources);

}  // namespace gatehouse::config
