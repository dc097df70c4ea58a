#include "proxy/frontend/abuse_guard.h"

namespace gatehouse {

namespace {

constexpr TokenBucket::Rate kResets{.burst = 200, .per_second = 20};
constexpr TokenBucket::Rate kForcedResets{.burst = 100, .per_second = 10};
constexpr TokenBucket::Rate kControl{.burst = 100, .per_second = 10};
constexpr TokenBucket::Rate kOther{.burst = 1000, .per_second = 100};
constexpr std::uint64_t kFewStreams = 100;  // below it no ratio means anything

}  // namespace

AbuseGuard::AbuseGuard(MonotonicTime now)
    : resets_(kResets, now), forced_resets_(kForcedResets, now), control_(kControl, now), other_(kOther, now) {}

bool AbuseGuard::allows(Act act, MonotonicTime now) {
  switch (act) {
    case Act::kReset:
      // Cancelling most of what it asks for, however slowly, is not what a client is for.
      if (opened_ >= kFewStreams && cancelled_ * 2 > opened_) return false;
      return resets_.take(now);
    case Act::kForcedReset:
      return forced_resets_.take(now);
    case Act::kControl:
      return control_.take(now);
    case Act::kOther:
      return other_.take(now);
  }
  return false;
}

}  // namespace gatehouse
