// What tells two versions of a file apart without reading it: which file it is, how long, and when it was last written
// or changed otherwise. A value; any thread, but not one of a loop, because the disk is asked.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <string>

namespace gatehouse {

struct FileVersion {
  // Of what `path` leads to, behind all links. All zero: there is nothing that can be seen.
  static FileVersion of(const std::string& path);
  // Of an open file.
  static FileVersion of(int fd);
  static FileVersion of(const struct stat& status);

  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::int64_t size = 0;
  // In nanoseconds, both. The second one moves with the first, and cannot be set back.
  std::int64_t modified = 0;
  std::int64_t changed = 0;
  friend bool operator==(const FileVersion&, const FileVersion&) = default;

  // Whether a file that still has this version is sure to hold what it held when the version was taken, which is now.
  // Right after a change it is not: the clock of file systems has steps, and a second change within one leaves no trace.
  bool settled() const;
};

}  // namespace gatehouse
