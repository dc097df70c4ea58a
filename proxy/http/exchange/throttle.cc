#include "proxy/http/exchange/throttle.h"

#include <algorithm>
#include <cassert>

namespace gatehouse {

namespace {

constexpr std::uint64_t kNanosecond = 1'000'000'000;  // to the second
constexpr std::uint64_t kPlacesInASecond = 100;
constexpr std::uint64_t kSmallestPlace = 512;
constexpr std::uint64_t kLargestPlace = 64UL * 1024;

}  // namespace

Throttle::Throttle(std::uint64_t bytes_per_second) : rate_(bytes_per_second) {
  assert(rate_ > 0);
}

std::size_t Throttle::quantum() const {
  return static_cast<std::size_t>(std::clamp(rate_ / kPlacesInASecond, kSmallestPlace, kLargestPlace));
}

// Up to a quantum at a time: no overflow.
std::int64_t Throttle::cost_of(std::size_t bytes) const {
  return static_cast<std::int64_t>((bytes * kNanosecond + rate_ - 1) / rate_);
}

MonotonicTime Throttle::reserve(std::size_t bytes, MonotonicTime now) {
  assert(bytes <= kLargestPlace);
  const std::int64_t oldest = std::chrono::nanoseconds(now.time_since_epoch() - kBehind).count();
  const std::int64_t cost = cost_of(bytes);
  std::int64_t free_at = free_at_.load(std::memory_order_relaxed);
  std::int64_t begins = 0;
  do {
    begins = std::max(free_at, oldest);
  } while (!free_at_.compare_exchange_weak(free_at, begins + cost, std::memory_order_relaxed));
  return MonotonicTime(std::chrono::duration_cast<Duration>(std::chrono::nanoseconds(begins)));
}

// As many bytes as have places before it, and no more, are still to pass before it.
MonotonicTime Throttle::moved_up(std::size_t bytes, MonotonicTime begins) const {
  const std::int64_t last = free_at_.load(std::memory_order_relaxed) - cost_of(bytes);
  return std::min(begins, MonotonicTime(std::chrono::duration_cast<Duration>(std::chrono::nanoseconds(last))));
}

void Throttle::give_back(std::size_t bytes) {
  free_at_.fetch_sub(cost_of(bytes), std::memory_order_relaxed);
}

}  // namespace gatehouse
