#include "common/fd.h"

#include <unistd.h>

namespace gatehouse {

Fd& Fd::operator=(Fd&& other) noexcept {
  if (this != &other) {
    reset();
    fd_ = other.release();
  }
  return *this;
}

void Fd::reset() {
  // Linux frees the number even where close() fails, so there is nothing to repeat.
  if (fd_ >= 0) ::close(release());
}

}  // namespace gatehouse
