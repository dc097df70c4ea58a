#include "proxy/frontend/abuse_guard.h"

namespace gatehouse {

namespace {

constexpr TokenBucket::Rate kResets{.burst = 200, .per_second = 20};
constexpr TokenBucket::Rate kRefusals{.burst = 100, .per_second = 10};
constexpr TokenBucket::Rate kControl{.burst = 100, .per_second = 10};
constexpr TokenBucket::Rate kOther{.burst = 1000, .per_second = 100};
constexpr std::uint64_t kFewStreams = 100;  // below it no ratio means anything

}  // namespace

AbuseGuard::AbuseGuard(MonotonicTime now)
    : resets_(kResets, now), refusals_(kRefusals, now), control_(kControl, now), other_(kOther, now) {}

bool AbuseGuard::allows(Abuse act, MonotonicTime now) {
  switch (act) {
    case Abuse::kReset:
      // Cancelling most of what it asks for, however slowly, is not what a client is for.
      if (opened_ >= kFewStreams && cancelled_ * 2 > opened_) return false;
      return resets_.take(now);
    case Abuse::kForcedReset:
    case Abuse::kOversizedHead:
      return refusals_.take(now);
    case Abuse::kControl:
      return control_.take(now);
    case Abuse::kOther:
      return other_.take(now);
    case Abuse::kExcessiveHead:
    case Abuse::kEmptyFrame:
    case Abuse::kLibraryVerdict:
    case Abuse::kTlsMessage:
      return false;
  }
  return false;
}

}  // namespace gatehouse
