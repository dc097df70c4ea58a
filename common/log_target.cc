#include "common/log_target.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "common/log.h"

namespace gatehouse {
namespace {

constexpr int kFirstUnlikeStandard = 3;

bool is_standard(const std::string& output) {
  return output == "stdout" || output == "stderr";
}

}  // namespace

Result<std::shared_ptr<LogTarget>> LogTarget::open(const std::string& output, Options options) {
  auto target = std::make_shared<LogTarget>(Private{}, output, std::move(options));
  if (auto opened = target->open_output(); !opened) return std::unexpected(std::move(opened).error());
  return target;
}

Result<> LogTarget::open_output() {
  // O_NONBLOCK concerns FIFOs only: without a reader they cannot be opened, and a full one must not hold us.
  constexpr int kFlags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
  const bool standard = is_standard(output_);
  Fd fd(standard ? ::fcntl(output_ == "stdout" ? STDOUT_FILENO : STDERR_FILENO, F_DUPFD_CLOEXEC, kFirstUnlikeStandard)
                 : ::open(output_.c_str(), kFlags, 0640));
  if (!fd) return system_failure("cannot open the " + options_.log + ' ' + output_, errno);
  struct stat status{};
  const bool known = ::fstat(fd.get(), &status) == 0;
  fd_ = std::move(fd);
  regular_ = known && S_ISREG(status.st_mode);
  begun_ = regular_ && status.st_size > 0;
  torn_ = false;
  return {};
}

void LogTarget::reopen() {
  if (is_standard(output_)) return;
  if (auto opened = open_output(); !opened) {
    log::error("{}; going on with the file that is open", opened.error().message);
  }
}

std::size_t LogTarget::write(std::string_view lines, const std::function<bool()>& keep_waiting) {
  if (reopen_.exchange(false, std::memory_order_relaxed)) reopen();
  if (!begun_) {
    std::string_view rest = options_.preamble;
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

// What goes out in one write. Others may write to the same pipe, and only up to PIPE_BUF bytes stay together there; a
// line must not be cut by theirs unless it is longer than that.
std::size_t LogTarget::piece_of(std::string_view rest) const {
  if (regular_ || rest.size() <= PIPE_BUF) return rest.size();
  const std::size_t end = rest.rfind('\n', PIPE_BUF - 1);
  return end == std::string_view::npos ? PIPE_BUF : end + 1;
}

bool LogTarget::write_all(std::string_view& rest, const std::function<bool()>& keep_waiting) {
  constexpr int kWaitMs = 100;
  while (!rest.empty()) {
    if (!regular_) {
      // The description may be shared with other processes, so O_NONBLOCK is not ours to set: a pipe that polls as
      // writable takes PIPE_BUF bytes at once.
      pollfd poller{.fd = fd_.get(), .events = POLLOUT, .revents = 0};
      int ready = ::poll(&poller, 1, 0);
      // Asked before each wait: whoever gives up has more lines, none of which may take its time.
      if (ready == 0 && keep_waiting()) ready = ::poll(&poller, 1, kWaitMs);
      if (ready < 0 && errno != EINTR) return note(errno), false;
      if (ready <= 0) {
        if (!keep_waiting()) return false;
        continue;
      }
    }
    const ssize_t count = ::write(fd_.get(), rest.data(), piece_of(rest));
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
void LogTarget::note(int error) {
  if (failing_ == (error != 0)) return;
  failing_ = error != 0;
  if (failing_) {
    log::error("writing the {} to {} fails: {}; lines are dropped and counted", options_.log, output_,
               std::strerror(error));
  } else {
    log::info("the {} is written to {} again", options_.log, output_);
  }
}

}  // namespace gatehouse
