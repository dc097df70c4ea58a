#include "proxy/apps/rotating_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "common/log.h"

namespace gatehouse {

bool RotatingFile::open() {
  file_ = Fd(::open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640));
  struct stat status{};
  if (!file_ || ::fstat(file_.get(), &status) != 0) {
    if (!told_) log::warn("{}", system_failure("cannot open the output file " + path_, errno).error().message);
    told_ = true;
    return false;
  }
  size_ = static_cast<std::size_t>(status.st_size);
  return true;
}

void RotatingFile::rotate() {
  file_.reset();
  for (int number = kFiles - 1; number > 0; --number) {
    const std::string from = number == 1 ? path_ : path_ + "." + std::to_string(number - 1);
    ::rename(from.c_str(), (path_ + "." + std::to_string(number)).c_str());  // the first times there is none
  }
}

void RotatingFile::write_line(std::string_view line) {
  if (!file_ && !open()) return;
  if (size_ > 0 && size_ + line.size() + 1 > most_bytes_) {
    rotate();
    if (!open()) return;
  }
  std::string bytes(line);
  bytes += '\n';
  const ssize_t written = ::write(file_.get(), bytes.data(), bytes.size());
  if (written > 0) size_ += static_cast<std::size_t>(written);
  if (written < 0 && !told_) {
    log::warn("{}", system_failure("cannot write to the output file " + path_, errno).error().message);
  }
  told_ = written < 0;
}

}  // namespace gatehouse
