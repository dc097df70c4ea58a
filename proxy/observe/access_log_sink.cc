#include "proxy/observe/access_log_sink.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "common/log.h"

namespace gatehouse {

Result<std::shared_ptr<AccessLogSink>> AccessLogSink::open(const std::string& output, AccessLogFormat format) {
  auto sink = std::make_shared<AccessLogSink>(Private{}, output, format);
  if (output == "stdout" || output == "stderr") {
    sink->attach(output == "stdout" ? STDOUT_FILENO : STDERR_FILENO);
  } else if (auto opened = sink->open_file(); !opened) {
    return std::unexpected(opened.error());
  }
  return sink;
}

Result<> AccessLogSink::open_file() {
  // O_NONBLOCK concerns FIFOs only: without a reader they cannot be opened, and a full one must not hold us.
  Fd file(::open(output_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640));
  if (!file) return system_failure("cannot open the access log " + output_, errno);
  file_ = std::move(file);
  attach(file_.get());
  return {};
}

void AccessLogSink::attach(int fd) {
  fd_ = fd;
  struct stat status{};
  const bool known = fstat(fd, &status) == 0;
  regular_ = known && S_ISREG(status.st_mode);
  begun_ = regular_ && status.st_size > 0;
  torn_ = false;
}

void AccessLogSink::reopen() {
  if (!file_) return;
  if (auto opened = open_file(); !opened) {
    log::error("{}; going on with the file that is open", opened.error().message);
  }
}

std::size_t AccessLogSink::write(std::string_view lines, const std::function<bool()>& keep_waiting) {
  if (reopen_.exchange(false, std::memory_order_relaxed)) reopen();
  if (format_ == AccessLogFormat::kW3c && !begun_) {
    const std::string directives = w3c_directives();
    std::string_view rest = directives;
    if (!write_all(rest, keep_waiting)) return 0;
  }
  begun_ = true;
  if (torn_) {
    std::string_view end = "\n";
    if (!write_all(end, keep_waiting)) return 0;
    torn_ = false;
  }
  std::string_view rest = lines;
  write_all(rest, keep_waiting);
  const std::size_t written = lines.size() - rest.size();
  torn_ = written != 0 && lines[written - 1] != '\n';
  return written;
}

bool AccessLogSink::write_all(std::string_view& rest, const std::function<bool()>& keep_waiting) {
  constexpr int kWaitMs = 100;
  while (!rest.empty()) {
    if (!regular_) {
      // The description may be shared with other processes, so O_NONBLOCK is not ours to set: a pipe that polls as
      // writable takes PIPE_BUF bytes at once.
      pollfd poller{.fd = fd_, .events = POLLOUT, .revents = 0};
      const int ready = poll(&poller, 1, kWaitMs);
      if (ready < 0 && errno != EINTR) return note(errno), false;
      if (ready <= 0) {
        if (!keep_waiting()) return false;
        continue;
      }
    }
    const std::size_t size = regular_ ? rest.size() : std::min<std::size_t>(rest.size(), PIPE_BUF);
    const ssize_t count = ::write(fd_, rest.data(), size);
    if (count > 0) {
      rest.remove_prefix(static_cast<std::size_t>(count));
    } else if (count == 0 || (errno != EINTR && errno != EAGAIN)) {
      return note(count == 0 ? ENOSPC : errno), false;
    }
  }
  note(0);
  return true;
}

// Says once that it fails, and once that it works again.
void AccessLogSink::note(int error) {
  if (failing_ == (error != 0)) return;
  failing_ = error != 0;
  if (failing_) {
    log::error("writing the access log to {} fails: {}; lines are dropped and counted", output_, std::strerror(error));
  } else {
    log::info("the access log is written to {} again", output_);
  }
}

}  // namespace gatehouse
