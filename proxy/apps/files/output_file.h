// The file that an app's lines go to, as the control loop sees it: lines are handed to a FileThread in batches, and
// what comes faster than the disk takes it is dropped and counted. Owned by the AppContext, one for each path; control
// thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proxy/apps/files/file_thread.h"
#include "proxy/apps/files/rotating_file.h"

namespace gatehouse {

class OutputFile {
 public:
  static constexpr std::size_t kMostWaiting = 4UL * 1024 * 1024;  // bytes

  // `thread` outlives it, and belongs to `user`, the app's.
  OutputFile(FileThread& thread, const std::string& path, const std::string& user);
  ~OutputFile();  // what waits is still written, if the thread gets to it
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  void write_line(std::string_view line);

 private:
  // The thread's, but for `owner`, which is the loop's: the thread may still write when we have gone.
  struct Shared {
    RotatingFile file;
    OutputFile* owner = nullptr;
  };

  void hand_over();

  FileThread& thread_;
  std::shared_ptr<Shared> shared_;
  std::vector<std::string> waiting_;
  std::size_t waiting_bytes_ = 0;
  std::uint64_t dropped_ = 0;
  bool writes_ = false;
};

using OutputFiles = std::map<std::pair<std::string, std::string>, OutputFile>;  // by user and path

}  // namespace gatehouse
