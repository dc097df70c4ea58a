// Where access-log lines go: standard output, standard error, or a file, with the format they are written in. Shared by
// the workers' buffers (which only read its format and name) and the writer; everything else belongs to the writer's
// thread, but for reopen_soon(). A pipe or terminal that nobody reads never holds the writer for longer than it allows.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "common/fd.h"
#include "common/result.h"
#include "proxy/observe/access_record.h"

namespace gatehouse {

class AccessLogSink {
  struct Private {};

 public:
  AccessLogSink(Private /*only_open_makes_one*/, std::string output, AccessLogFormat format)
      : output_(std::move(output)), format_(format) {}
  // `output`: "stdout", "stderr", or the path of a file, which is opened now.
  static Result<std::shared_ptr<AccessLogSink>> open(const std::string& output, AccessLogFormat format);

  const std::string& output() const { return output_; }
  AccessLogFormat format() const { return format_; }

  // Writes all of `lines`; waits while a pipe is full for as long as keep_waiting() says. Returns how many bytes got
  // out.
  std::size_t write(std::string_view lines, const std::function<bool()>& keep_waiting);

  // Any thread: before the next write the file is opened again by its name (it was rotated).
  void reopen_soon() { reopen_.store(true, std::memory_order_relaxed); }

 private:
  Result<> open_file();
  void attach(int fd);
  void reopen();
  bool write_all(std::string_view& rest, const std::function<bool()>& keep_waiting);
  void note(int error);

  const std::string output_;
  const AccessLogFormat format_;
  Fd file_;              // empty for standard output and error
  int fd_ = -1;          // what is written to
  bool regular_ = true;  // a file on a disk: no waiting, one write takes all
  bool begun_ = false;   // directives, if the format has any, have been written
  bool torn_ = false;    // the last line that got out is not complete
  bool failing_ = false;
  std::atomic<bool> reopen_{false};
};

}  // namespace gatehouse
