// A file descriptor that closes itself. Owned by value; may move between threads with its owner. What watches it
// (IoWatcher) must be gone before it is closed: declare the watcher behind it.
#pragma once

#include <utility>

namespace gatehouse {

class Fd {
 public:
  Fd() = default;
  // Takes `fd` over; negative: none, so that the result of open(2) and the like can be passed as it is.
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  // Closes what it had.
  Fd& operator=(Fd&& other) noexcept;
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() { reset(); }

  // -1 if there is none.
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  // Gives the descriptor up without closing it; the caller owns it from then on.
  int release() { return std::exchange(fd_, -1); }
  // Closes it now. An error of close(2) is not reported: Linux has freed the number in any case.
  void reset();

 private:
  int fd_ = -1;
};

}  // namespace gatehouse
