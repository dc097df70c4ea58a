// A file of output that cannot grow without bounds: at 10 MiB it becomes FILE.1, that one FILE.2, and what was FILE.2
// is gone. One object per path in the process, or two would rotate against each other. Control thread.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>

#include "common/fd.h"

namespace gatehouse {

class RotatingFile {
 public:
  static constexpr std::size_t kMostBytes = 10UL * 1024 * 1024;
  static constexpr int kFiles = 3;

  explicit RotatingFile(std::string path, std::size_t most_bytes = kMostBytes)
      : path_(std::move(path)), most_bytes_(most_bytes) {}

  void write_line(std::string_view line);

 private:
  bool open();
  void rotate();

  std::string path_;
  std::size_t most_bytes_;
  Fd file_;
  std::size_t size_ = 0;
  bool told_ = false;  // of a failure, since the last success
};

using RotatingFiles = std::map<std::string, RotatingFile>;  // by path

}  // namespace gatehouse
