// One kind of line that clients or endpoints can cause as often as they like: so many of it are logged in a period,
// over all threads, and then one that says how many more there were. Metrics count each; the log is for people. An
// object of static storage duration at the place that logs, made at compile time; any thread.
//
//   constinit log::Limited late_bytes("bytes behind an answer");
//   late_bytes.info("{} sent more than its answer", endpoint.name());
#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>
#include <utility>

#include "common/clock.h"
#include "common/log.h"

namespace gatehouse::log {

class Limited {
 public:
  static constexpr std::uint32_t kMost = 20;
  static constexpr Duration kPeriod = std::chrono::seconds(10);

  // `kind`: for the line that says how many more there were; a literal.
  constexpr explicit Limited(std::string_view kind) : kind_(kind) {}
  Limited(const Limited&) = delete;
  Limited& operator=(const Limited&) = delete;

  template <class... Args>
  void warn(spdlog::format_string_t<Args...> format, Args&&... args) {
    if (admit(spdlog::level::warn)) spdlog::warn(format, std::forward<Args>(args)...);
  }
  template <class... Args>
  void info(spdlog::format_string_t<Args...> format, Args&&... args) {
    if (admit(spdlog::level::info)) spdlog::info(format, std::forward<Args>(args)...);
  }
  template <class... Args>
  void debug(spdlog::format_string_t<Args...> format, Args&&... args) {
    if (admit(spdlog::level::debug)) spdlog::debug(format, std::forward<Args>(args)...);
  }

  // Whether one more line of this kind may be logged at `now`; counts it either way.
  bool admit_at(MonotonicTime now, spdlog::level::level_enum level);

 private:
  friend void tell_suppressed(MonotonicTime now);

  bool admit(spdlog::level::level_enum level) {
    return spdlog::should_log(level) && admit_at(Clock::system().monotonic(), level);
  }
  void tell(Duration period);

  const std::string_view kind_;
  std::atomic<Duration::rep> begun_{0};  // the period, on the monotonic clock; 0: none
  std::atomic<std::uint32_t> used_{0};
  std::atomic<std::uint64_t> suppressed_{0};  // in this period
  std::atomic<int> level_{spdlog::level::info};
  std::atomic<bool> listed_{false};
  Limited* next_ = nullptr;  // of those that have ever suppressed a line
};

// Says "and K more" of each kind whose period is over, should no line of it have come since. About once a second.
void tell_suppressed(MonotonicTime now);

// Lines suppressed since the start.
std::uint64_t suppressed();

}  // namespace gatehouse::log
