#include "proxy/system/descriptors.h"

#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <format>

#include "common/log.h"

namespace gatehouse::descriptors {

namespace {

constexpr std::size_t kLeast = 16;
constexpr std::size_t kComfortable = 4096;

// What else has descriptors: some for each listener and worker, apps and checks, whose numbers grow with the machine.
std::size_t kept_back(std::size_t limit) {
  return std::clamp<std::size_t>(limit / 8, 64, 1024);
}

}  // namespace

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
  return limit <= kReserve ? kLeast : std::max(kLeast, (limit - kReserve) / 2);
}

std::size_t endpoint_connections_within(std::size_t limit, std::size_t clients) {
  const std::size_t others = kept_back(limit) + clients;
  return limit <= others ? kLeast : std::max(kLeast, limit - others);
}

std::size_t needed_for(std::size_t clients) {
  return 2 * clients + std::clamp<std::size_t>(clients / 3, 64, 1024);
}

std::string shortage(std::size_t limit, std::size_t max_connections) {
  const std::size_t possible = connections_within(limit);
  const auto remedy = [](std::size_t files) {
    return std::format("; LimitNOFILE={} in the systemd unit, or `ulimit -Hn {}` as root, raises it", files, files);
  };
  if (max_connections > possible) {
    return std::format(
        "limits.max_connections is lowered from {} to {}: the process may open {} files, and {} are needed, one for "
        "each "
        "client, one for its connection to an endpoint, and some besides{}",
        max_connections, possible, limit, needed_for(max_connections), remedy(needed_for(max_connections)));
  }
  if (max_connections == 0 && limit < kComfortable) {
    return std::format(
        "the process may open only {} files, which carry {} connections of clients and {} to endpoints{}", limit,
        possible, endpoint_connections_within(limit, possible), remedy(65536));
  }
  return {};
}

}  // namespace gatehouse::descriptors
