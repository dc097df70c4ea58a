#include "proxy/observe/access_log.h"

#include <chrono>

#include "common/log_limit.h"

namespace gatehouse {
namespace {

constinit log::Limited losses("lost lines of the access log");

void tell_dropped(std::uint64_t dropped) {
  losses.warn("{} lines of the access log were dropped: it was not read or written fast enough", dropped);
}

}  // namespace

AccessLog::AccessLog(std::size_t max_waiting)
    : writer_({.thread = "access-log", .max_waiting = max_waiting, .caught_up = tell_dropped}) {}

void AccessLog::flush() {
  constexpr std::chrono::minutes kLongest{10};
  writer_.flush(kLongest);
}

}  // namespace gatehouse
