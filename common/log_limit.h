// One kind of line that clients or endpoints can cause as often as they like: so many of it are logged in a period,
// over all threads, and then one that says how many more there were. Metrics count each; the log is for people. An
// object of static storage duration at the place that logs, made at compile time and never destroyed before the
// process ends; any thread, without locks.
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
  // Lines of one kind in a period, which begins with the first line after the last one. Two threads at its edge may let
  // one more through.
  static constexpr std::uint32_t kMost = 20;
  static constexpr Duration kPeriod = std::chrono::seconds(10);

  // `kind` begins the line that says how many more there were, as in "failed TLS handshakes: and 7 more in the last
  // 10 s". It is a literal, because it is not copied.
  constexpr explicit Limited(std::string_view kind) : kind_(kind) {}
  Limited(const Limited&) = delete;
  Limited& operator=(const Limited&) = delete;

  // Each logs a line as its namesake in log.h does, or counts it as suppressed. A level that is not logged at all costs
  // nothing and counts for nothing.
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
  // When the period began, on the monotonic clock; 0: there was none yet.
  std::atomic<Duration::rep> begun_{0};
  std::atomic<std::uint32_t> used_{0};
  // In this period, and the level of the last of them.
  std::atomic<std::uint64_t> suppressed_{0};
  std::atomic<int> level_{spdlog::level::info};
  // Those that have ever suppressed a line are in a list, for tell_suppressed().
  std::atomic<bool> listed_{false};
  Limited* next_ = nullptr;
};

// Logs "and K more" for each kind whose period is over and of which no line has come since. Called about once a second,
// on the control thread.
void tell_suppressed(MonotonicTime now);

// Lines of all kinds that were suppressed since the start.
std::uint64_t suppressed();

}  // namespace gatehouse::log
