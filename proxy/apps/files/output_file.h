// The file that an app's lines go to, as the control loop sees it: lines are handed to a FileThread in batches, and
// what comes faster than the disk takes it is dropped and counted. Owned by the AppContext, one for each user and
// path; control thread.
//
//   write_line --> waiting_ --hand_over, one batch at a time--> FileThread: RotatingFile
//                     ^------------------- written ------------------'
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
  // Bytes that may wait while a batch is being written.
  static constexpr std::size_t kMostWaiting = 4UL * 1024 * 1024;

  // `thread` outlives it, and belongs to `user`, the app's. Nothing is opened before the first line.
  OutputFile(FileThread& thread, const std::string& path, const std::string& user);
  // What waits is still written, if the thread gets to it.
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  // Takes a line without its newline. If too much waits, the line is dropped; before the next one that is not, the
  // file gets "N lines dropped". Failures are logged by the thread.
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
  // A batch is with the thread.
  bool writes_ = false;
};

// By user and path. Instances of one app, and apps that name the same file for the same user, share an OutputFile.
using OutputFiles = std::map<std::pair<std::string, std::string>, OutputFile>;

}  // namespace gatehouse
