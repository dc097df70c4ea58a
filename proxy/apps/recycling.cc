#include "proxy/apps/recycling.h"

#include <chrono>

#include "common/crypto/random.h"

namespace gatehouse {

std::string_view label(RecycleReason reason) {
  switch (reason) {
    case RecycleReason::kMemory:
      return "memory";
    case RecycleReason::kRequests:
      return "requests";
    case RecycleReason::kAge:
      return "age";
    case RecycleReason::kTimeOfDay:
      return "time_of_day";
    case RecycleReason::kFiles:
      return "files";
    case RecycleReason::kConfiguration:
      return "configuration";
    case RecycleReason::kCommand:
      break;
  }
  return "command";
}

}  // namespace gatehouse

namespace gatehouse::recycling {

MonotonicTime old_at(const RecycleOptions& limits, MonotonicTime now) {
  if (limits.every <= std::chrono::milliseconds::zero()) return MonotonicTime::max();
  const Duration every = limits.every;
  return now + every / 10 * 9 + every / 5 / 1000 * static_cast<std::int64_t>(random::below(1001));
}

std::optional<RecycleReason> reason(const RecycleOptions& limits, const Wear& wear, MonotonicTime now) {
  if (limits.memory > 0 && wear.memory > limits.memory) return RecycleReason::kMemory;
  if (limits.requests > 0 && wear.requests >= limits.requests) return RecycleReason::kRequests;
  if (wear.time_of_day_has_come) return RecycleReason::kTimeOfDay;
  if (now >= wear.old_at) return RecycleReason::kAge;
  return std::nullopt;
}

std::string_view in_words(RecycleReason reason) {
  switch (reason) {
    case RecycleReason::kMemory:
      return "it holds too much memory";
    case RecycleReason::kRequests:
      return "it has had its requests";
    case RecycleReason::kAge:
      return "it is old";
    case RecycleReason::kTimeOfDay:
      return "its time of the day has come";
    case RecycleReason::kFiles:
      return "files have changed";
    case RecycleReason::kConfiguration:
      return "its configuration has changed";
    case RecycleReason::kCommand:
      break;
  }
  return "by command";
}

}  // namespace gatehouse::recycling
