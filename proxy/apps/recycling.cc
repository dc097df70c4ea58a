#include "proxy/apps/recycling.h"

#include <chrono>

#include "common/crypto/random.h"

namespace gatehouse::recycling {

MonotonicTime old_at(const RecycleOptions& limits, MonotonicTime now) {
  if (limits.every <= std::chrono::milliseconds::zero()) return MonotonicTime::max();
  const Duration every = limits.every;
  return now + every / 10 * 9 + every / 5 / 1000 * static_cast<std::int64_t>(random::below(1001));
}

const char* reason(const RecycleOptions& limits, const Wear& wear, MonotonicTime now) {
  if (limits.memory > 0 && wear.memory > limits.memory) return "it holds too much memory";
  if (limits.requests > 0 && wear.requests >= limits.requests) return "it has had its requests";
  if (now >= wear.old_at) return "it is old";
  return nullptr;
}

}  // namespace gatehouse::recycling
