#include "common/file_version.h"

#include <algorithm>
#include <chrono>

namespace gatehouse {

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

}  // namespace

FileVersion FileVersion::of(const std::string& path) {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0 ? of(status) : FileVersion{};
}

FileVersion FileVersion::of(int fd) {
  struct stat status{};
  return ::fstat(fd, &status) == 0 ? of(status) : FileVersion{};
}

FileVersion FileVersion::of(const struct stat& status) {
  return {.device = status.st_dev,
          .inode = status.st_ino,
          .size = status.st_size,
          .modified = status.st_mtim.tv_sec * kSecond + status.st_mtim.tv_nsec,
          .changed = status.st_ctim.tv_sec * kSecond + status.st_ctim.tv_nsec};
}

bool FileVersion::settled() const {
  constexpr std::int64_t kStep = kSecond / 20;       // five ticks of a slow kernel
  constexpr std::int64_t kCoarseStep = 2 * kSecond;  // of file systems that know whole seconds, or every other one
  const std::int64_t latest = std::max(modified, changed);
  const auto now = std::chrono::nanoseconds(std::chrono::system_clock::now().time_since_epoch()).count();
  return now - latest > (latest % kSecond == 0 ? kCoarseStep : kStep);
}

}  // namespace gatehouse
