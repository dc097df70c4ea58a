// A file of output that cannot grow without bounds: at 10 MiB it becomes FILE.1, that one FILE.2, and what was FILE.2
// is gone; where it cannot be renamed it begins anew. One object per path in the process, or two would rotate against
// each other. Used on a FileThread only.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "common/fd.h"
#include "proxy/apps/files/app_file.h"

namespace gatehouse {

class RotatingFile {
 public:
  static constexpr std::size_t kMostBytes = 10UL * 1024 * 1024;
  static constexpr int kFiles = 3;

  // `user` is the app's; "": ours.
  explicit RotatingFile(std::string path, std::string user = "", std::size_t most_bytes = kMostBytes)
      : path_(std::move(path)), user_(std::move(user)), most_bytes_(most_bytes) {}

  void write_line(std::string_view line);

 private:
  Result<> open();
  Result<> start_anew();
  bool rotate();
  void tell(const Error& error);

  std::string path_;
  std::string user_;
  std::size_t most_bytes_;
  std::optional<AppFile> app_file_;  // while it is open
  Fd file_;
  std::size_t size_ = 0;
  bool told_ = false;  // of a failure, since the last success
};

}  // namespace gatehouse
