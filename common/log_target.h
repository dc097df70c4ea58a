// Where the lines of a log go: standard output, standard error, or a file. Shared by those who hand lines over (they
// only read its name) and by the one thread that writes, as a rule a LogWriter's, to which write() belongs; any thread
// may call reopen_soon(). A pipe, a terminal or a socket that nobody reads never holds the writer for longer than it
// allows.
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
    // Which log it is of, for messages: "access log".
    std::string log = "log";
    // Lines that every empty file, and every pipe or terminal, begins with.
    std::string preamble = {};
  };

  LogTarget(Private /*only_open_makes_one*/, std::string output, Options options)
      : output_(std::move(output)), options_(std::move(options)) {}
  // `output`: "stdout", "stderr", or the path of a file, which is opened now for appending and made with mode 0640 if
  // it is not there. A standard stream is duplicated, so that later lines go where it leads now. Errors name log and
  // file.
  static Result<std::shared_ptr<LogTarget>> open(const std::string& output, Options options);

  const std::string& output() const { return output_; }

  // Writes all of `lines`. While a pipe is full it waits and asks keep_waiting() ten times a second whether to go on; a
  // disk is waited for in any case. Returns how many bytes got out: fewer if it was not to wait, or on an error. The
  // log says once that writing fails, and once that it works again. A line that was torn is ended before the next one.
  std::size_t write(std::string_view lines, const std::function<bool()>& keep_waiting);

  // Any thread: the next write() opens the file again by its name (it was rotated). If that fails, it goes on with the
  // file that is open.
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
  // A file on a disk: it is never polled, and one write takes all.
  bool regular_ = true;
  // The preamble has been written.
  bool begun_ = false;
  // The last line that got out is not complete.
  bool torn_ = false;
  bool failing_ = false;
  std::atomic<bool> reopen_{false};
};

}  // namespace gatehouse
