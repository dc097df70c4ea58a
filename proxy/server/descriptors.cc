#include "proxy/server/descriptors.h"

#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "common/log.h"

namespace gatehouse::descriptors {

std::size_t raise_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
  if (limit.rlim_cur < limit.rlim_max) {
    const rlimit raised{.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};
    if (setrlimit(RLIMIT_NOFILE, &raised) == 0) {
      limit = raised;
    } else {
      log::warn("cannot raise the limit of open files to {}: {}", limit.rlim_max, std::strerror(errno));
    }
  }
  return limit.rlim_cur;
}

std::size_t connections_within(std::size_t limit) {
  constexpr std::size_t kReserve = 64;
  constexpr std::size_t kLeast = 16;
  return limit <= kReserve ? kLeast : std::max(kLeast, (limit - kReserve) / 2);
}

}  // namespace gatehouse::descriptors
