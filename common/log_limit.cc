#include "common/log_limit.h"

#include <chrono>

namespace gatehouse::log {
namespace {

constinit std::atomic<Limited*> first_listed{nullptr};
constinit std::atomic<std::uint64_t> suppressed_in_all{0};

MonotonicTime at(Duration::rep since_boot) {
  return MonotonicTime(Duration(since_boot));
}

}  // namespace

// Two threads at the edge of a period may let a line too many through; nothing is lost or counted twice.
bool Limited::admit_at(MonotonicTime now, spdlog::level::level_enum level) {
  Duration::rep begun = begun_.load(std::memory_order_relaxed);
  const bool over = begun == 0 || now - at(begun) >= kPeriod;
  if (over && begun_.compare_exchange_strong(begun, now.time_since_epoch().count())) {
    tell(now - at(begun));
    used_.store(0, std::memory_order_relaxed);
  }
  if (used_.fetch_add(1, std::memory_order_relaxed) < kMost) return true;
  suppressed_.fetch_add(1, std::memory_order_relaxed);
  suppressed_in_all.fetch_add(1, std::memory_order_relaxed);
  level_.store(level, std::memory_order_relaxed);
  if (!listed_.exchange(true)) {
    next_ = first_listed.load();
    while (!first_listed.compare_exchange_weak(next_, this)) {
    }
  }
  return false;
}

void Limited::tell(Duration period) {
  const std::uint64_t more = suppressed_.exchange(0, std::memory_order_relaxed);
  if (more == 0) return;
  spdlog::log(static_cast<spdlog::level::level_enum>(level_.load(std::memory_order_relaxed)),
              "{}: and {} more in the last {:.0f} s", kind_, more, std::chrono::duration<double>(period).count());
}

void tell_suppressed(MonotonicTime now) {
  for (Limited* kind = first_listed.load(); kind != nullptr; kind = kind->next_) {
    const Duration period = now - at(kind->begun_.load(std::memory_order_relaxed));
    if (period >= Limited::kPeriod) kind->tell(period);
  }
}

std::uint64_t suppressed() {
  return suppressed_in_all.load(std::memory_order_relaxed);
}

}  // namespace gatehouse::log
