#include "proxy/http/date.h"

#include <array>
#include <cstdio>
#include <ctime>
#include <limits>

namespace gatehouse {

namespace {

struct Cached {
  std::time_t second = std::numeric_limits<std::time_t>::min();
  std::array<char, 64> text{};
  std::size_t size = 0;
};

void format(Cached& cached, std::time_t second) {
  static constexpr std::array kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::tm parts{};
  if (::gmtime_r(&second, &parts) == nullptr) return;
  const int size = std::snprintf(cached.text.data(), cached.text.size(), "%s, %02d %s %04d %02d:%02d:%02d GMT",
                                 kDays[static_cast<std::size_t>(parts.tm_wday)], parts.tm_mday,
                                 kMonths[static_cast<std::size_t>(parts.tm_mon)], parts.tm_year + 1900, parts.tm_hour,
                                 parts.tm_min, parts.tm_sec);
  cached.size = size < 0 ? 0 : static_cast<std::size_t>(size);
  cached.second = second;
}

}  // namespace

std::string_view http_date(WallTime now) {
  static thread_local Cached cached;
  const std::time_t second = std::chrono::system_clock::to_time_t(now);
  if (cached.second != second) format(cached, second);
  return {cached.text.data(), cached.size};
}

}  // namespace gatehouse
