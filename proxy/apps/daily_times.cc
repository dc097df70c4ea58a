#include "proxy/apps/daily_times.h"

#include <algorithm>
#include <ctime>

namespace gatehouse {

namespace {

using std::chrono::days;
using std::chrono::local_seconds;
using std::chrono::seconds;
using std::chrono::sys_seconds;

// By how much clocks are ahead of UTC.
seconds ahead(sys_seconds time, Clocks clocks) {
  return clocks(time).time_since_epoch() - time.time_since_epoch();
}

sys_seconds less(local_seconds shown, seconds ahead) {
  return sys_seconds(shown.time_since_epoch() - ahead);
}

// The first moment in (before, from] at which clocks show `shown` or more. They are put forward once within it.
sys_seconds put_forward(sys_seconds before, sys_seconds from, local_seconds shown, Clocks clocks) {
  while (from - before > seconds(1)) {
    const sys_seconds middle = before + (from - before) / 2;
    (clocks(middle) < shown ? before : from) = middle;
  }
  return from;
}

sys_seconds moment_of(local_seconds shown, Clocks clocks) {
  const sys_seconds about = less(shown, seconds(0));
  const sys_seconds by_former = less(shown, ahead(about - days(1), clocks));
  const sys_seconds by_latter = less(shown, ahead(about + days(1), clocks));
  if (clocks(by_former) == shown) return by_former;  // the first of two, where they are put back
  if (clocks(by_latter) == shown) return by_latter;
  return put_forward(by_latter, by_former, shown, clocks);
}

}  // namespace

local_seconds local_clocks(sys_seconds time) {
  const std::time_t counted = time.time_since_epoch().count();
  std::tm parts{};
  ::localtime_r(&counted, &parts);
  return local_seconds(time.time_since_epoch() + seconds(parts.tm_gmtoff));
}

std::optional<sys_seconds> next_time(std::span<const std::chrono::minutes> times, sys_seconds after, Clocks clocks) {
  std::optional<sys_seconds> next;
  const auto today = std::chrono::floor<days>(clocks(after));
  for (int day = 0; day <= 2; ++day) {
    for (const std::chrono::minutes time : times) {
      const sys_seconds moment = moment_of(today + days(day) + time, clocks);
      if (moment > after && (!next || moment < *next)) next = moment;
    }
  }
  return next;
}

bool DailyTimes::come(const std::vector<std::chrono::minutes>& times, WallTime now_exactly) {
  const auto now = std::chrono::floor<seconds>(now_exactly);
  if (times != times_) {
    times_ = times;
    look_from(now);
    return false;
  }
  if (!next_) return false;
  if (now < seen_) {
    if (seen_ - now > days(1)) look_from(now);  // it was wrong before
    return false;
  }
  if (now < *next_) {
    seen_ = now;
    return false;
  }
  const sys_seconds since = std::max(seen_, now - kGrace);
  const bool in_time = next_time(times_, since, clocks_).value_or(sys_seconds::max()) <= now;
  look_from(now);
  return in_time;
}

void DailyTimes::look_from(sys_seconds now) {
  seen_ = now;
  next_ = next_time(times_, now, clocks_);
}

}  // namespace gatehouse
