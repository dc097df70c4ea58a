// Where the lines of a log go: standard output, standard error, or a file. Shared by those who hand lines over (which
// only read its name) and by the one thread that writes (LogWriter), to which everything else belongs but for
// reopen_soon(). A pipe, a terminal or a socket that nobody reads never holds the writer for longer than it allows.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "common/fd.h"
#include "common/result.h"

namespace gatehouse {

class LogTarget {
  struct Private {};

 public:
  struct Options {
    std::string log = "log";    // which log it is of, for messages: "access log"
    std::string preamble = {};  // lines that every file (and every stream) begins with
  };

  LogTarget(Private /*only_open_makes_one*/, std::string output, Options options)
      : output_(std::move(output)), options_(std::move(options)) {}
  // `output`: "stdout", "stderr", or the path of a file, which is opened now. A standard stream is duplicated, so that
  // later lines go where it leads now.
  static Result<std::shared_ptr<LogTarget>> open(const std::string& output, Options options);

  const std::string& output() const { return output_; }

  // Writes all of `lines`; waits while a pipe is full for as long as keep_waiting() says. Returns how many bytes got
  // out.
  std::size_t write(std::string_view lines, const std::function<bool()>& keep_waiting);

  // Any thread: before the next write the file is opened again by its name (it was rotated).
  void reopen_soon() { reopen_.store(true, std::memory_order_relaxed); }

 private:
  Result<> open_output();
  void reopen();
  std::size_t piece_of(std::string_view rest) const;
  bool write_all(std::string_view& rest, const std::function<bool()>& keep_waiting);
  void note(int error);

  const std::string output_;
  const Options options_;
  Fd fd_;
  bool regular_ = true;  // a file on a disk: no waiting, one write takes all
  bool begun_ = false;   // the preamble has been written
  bool torn_ = false;    // the last line that got out is not complete
  bool failing_ = false;
  std::atomic<bool> reopen_{false};
};

}  // namespace gatehouse
