#include "proxy/http/date.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <limits>

#include "common/text.h"

namespace gatehouse {

namespace {

struct Cached {
  std::time_t second = std::numeric_limits<std::time_t>::min();
  std::array<char, 64> text{};
  std::size_t size = 0;
};

constexpr std::array kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

void format(Cached& cached, std::time_t second) {
  std::tm parts{};
  if (::gmtime_r(&second, &parts) == nullptr) return;
  const int size = std::snprintf(cached.text.data(), cached.text.size(), "%s, %02d %s %04d %02d:%02d:%02d GMT",
                                 kDays[static_cast<std::size_t>(parts.tm_wday)], parts.tm_mday,
                                 kMonths[static_cast<std::size_t>(parts.tm_mon)], parts.tm_year + 1900, parts.tm_hour,
                                 parts.tm_min, parts.tm_sec);
  cached.size = size < 0 ? 0 : static_cast<std::size_t>(size);
  cached.second = second;
}

// What a pattern says of a date: d, y, h, m and s stand for a digit of it, n for a letter of the month, "_" for a digit
// of the day or a space, and anything else for itself.
struct Parts {
  int day = 0;
  int year = 0;
  int hour = 0;
  int minute = 0;
  int second = 0;
  std::array<char, 3> month{};
  std::size_t month_letters = 0;

  bool add_digit(int& number, char digit) {
    if (!text::is_digit(digit)) return false;
    number = number * 10 + (digit - '0');
    return true;
  }

  bool add(char what, char c) {
    switch (what) {
      case 'd':
        return add_digit(day, c);
      case '_':
        return c == ' ' || add_digit(day, c);
      case 'y':
        return add_digit(year, c);
      case 'h':
        return add_digit(hour, c);
      case 'm':
        return add_digit(minute, c);
      case 's':
        return add_digit(second, c);
      case 'n':
        month[month_letters++] = c;
        return true;
      default:
        return text::iequals({&what, 1}, {&c, 1});
    }
  }
};

std::optional<Parts> parts_of(std::string_view text, std::string_view pattern) {
  if (text.size() != pattern.size()) return std::nullopt;
  Parts parts;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!parts.add(pattern[i], text[i])) return std::nullopt;
  }
  return parts;
}

// Behind the day of the week, which says nothing that the rest does not.
std::optional<Parts> dated(std::string_view text) {
  const std::size_t name = std::min(text.find_first_of(", "), text.size());
  const std::string_view rest = text.substr(name);
  if (auto parts = parts_of(rest, ", dd nnn yyyy hh:mm:ss GMT")) return parts;
  if (auto parts = parts_of(rest, ", dd-nnn-yy hh:mm:ss GMT")) {
    constexpr int kFirst = 70;
    parts->year += parts->year < kFirst ? 2000 : 1900;
    return parts;
  }
  return parts_of(rest, " nnn _d hh:mm:ss yyyy");
}

}  // namespace

std::optional<WallTime> parse_http_date(std::string_view text) {
  const std::optional<Parts> parts = dated(text::trim(text));
  if (!parts) return std::nullopt;
  const std::string_view name(parts->month.data(), parts->month.size());
  const auto month = std::ranges::find_if(kMonths, [name](std::string_view each) { return text::iequals(each, name); });
  if (month == kMonths.end()) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{parts->year},
                                         std::chrono::month{static_cast<unsigned>(month - kMonths.begin()) + 1},
                                         std::chrono::day{static_cast<unsigned>(parts->day)}};
  // Sixty seconds a leap second has.
  if (!date.ok() || parts->hour > 23 || parts->minute > 59 || parts->second > 60) return std::nullopt;
  // Beyond what a WallTime can say all is as long ago, or as far off.
  constexpr int kFirstYear = 1700;
  constexpr int kLastYear = 2200;
  if (parts->year < kFirstYear) return std::chrono::sys_days{std::chrono::year{kFirstYear} / 1 / 1};
  if (parts->year > kLastYear) return std::chrono::sys_days{std::chrono::year{kLastYear} / 1 / 1};
  return std::chrono::sys_days{date} + std::chrono::hours{parts->hour} + std::chrono::minutes{parts->minute} +
         std::chrono::seconds{parts->second};
}

std::string_view http_date(WallTime now) {
  static thread_local Cached cached;
  const std::time_t second = std::chrono::system_clock::to_time_t(now);
  if (cached.second != second) format(cached, second);
  return {cached.text.data(), cached.size};
}

}  // namespace gatehouse
