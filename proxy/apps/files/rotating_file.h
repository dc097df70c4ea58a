// A file of output that cannot grow without bounds: at 10 MiB it becomes FILE.1, that one FILE.2, and what was FILE.2
// is gone; where it cannot be renamed it begins anew. One object per path in the process, or two would rotate against
// each other. Member of what an OutputFile shares with its FileThread, used on that thread only.
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
  // The file itself and the older ones.
  static constexpr int kFiles = 3;

  // `user` is the app's; "": ours. Opens nothing yet.
  explicit RotatingFile(std::string path, std::string user = "", std::size_t most_bytes = kMostBytes)
      : path_(std::move(path)), user_(std::move(user)), most_bytes_(most_bytes) {}

  // Writes the line and a newline; opens the file (0640) if it is not open, makes its folder if that one alone is
  // missing, and rotates it first if it would get
  // larger than `most_bytes`. A failure is logged and the line lost; the next line tries again. May block.
  void write_line(std::string_view line);

 private:
  Result<> open();
  Result<> start_anew();
  bool rotate();
  void tell(const Error& error);

  std::string path_;
  std::string user_;
  std::size_t most_bytes_;
  // Where the file is; set before it is first opened.
  std::optional<AppFile> app_file_;
  Fd file_;
  std::size_t size_ = 0;
  // True if a failure was logged since the last success.
  bool told_ = false;
};

}  // namespace gatehouse
