#include "proxy/frontend/abuse_guard.h"

#include <chrono>

namespace gatehouse {

namespace {

constexpr TokenBucket::Rate kResets{.burst = 200, .per_second = 20};
constexpr TokenBucket::Rate kRefusals{.burst = 100, .per_second = 10};
constexpr TokenBucket::Rate kControl{.burst = 100, .per_second = 10};
constexpr TokenBucket::Rate kOther{.burst = 1000, .per_second = 100};
constexpr std::uint32_t kManyStreams = 200;  // of the recent time; below it no ratio means anything
constexpr Duration kPart = std::chrono::milliseconds(500);
constexpr Duration kQuick = std::chrono::milliseconds(100);

}  // namespace

AbuseGuard::AbuseGuard(MonotonicTime now)
    : resets_(kResets, now),
      refusals_(kRefusals, now),
      control_(kControl, now),
      other_(kOther, now),
      windows_(kOther, now),
      strays_(kOther, now),
      current_since_(now) {}

void AbuseGuard::stream_opened(MonotonicTime now) {
  go_on(now);
  ++current_.opened;
  windows_earned_ = add(windows_earned_, kFrameIsWorth);
  other_earned_ = std::min(other_earned_ + kOthersForAStream, kMostOthersEarned);
}

void AbuseGuard::stream_cancelled(MonotonicTime opened, MonotonicTime now) {
  if (now - opened > kQuick) return;
  go_on(now);
  ++current_.cancelled_quickly;
}

void AbuseGuard::go_on(MonotonicTime now) {
  const Duration passed = now - current_since_;
  if (passed < kPart) return;
  before_ = passed < 2 * kPart ? current_ : Count{};
  current_ = {};
  current_since_ = now;
}

bool AbuseGuard::mostly_cancelled() const {
  const std::uint32_t opened = before_.opened + current_.opened;
  const std::uint32_t cancelled = before_.cancelled_quickly + current_.cancelled_quickly;
  return opened >= kManyStreams && cancelled > opened / 2;
}

bool AbuseGuard::take(std::size_t& earned, TokenBucket& bucket, MonotonicTime now) {
  if (earned == 0) return bucket.take(now);
  --earned;
  return true;
}

bool AbuseGuard::allows(Abuse act, MonotonicTime now) {
  switch (act) {
    case Abuse::kReset:
      go_on(now);
      return !mostly_cancelled() && resets_.take(now);
    case Abuse::kForcedReset:
    case Abuse::kOversizedHead:
      return refusals_.take(now);
    case Abuse::kControl:
      return control_.take(now);
    case Abuse::kOther:
      return take(other_earned_, other_, now);
    case Abuse::kWindow:
      return take(windows_earned_, windows_, now);
    case Abuse::kClosedStream:
      return take(strays_earned_, strays_, now);
    case Abuse::kExcessiveHead:
    case Abuse::kEmptyFrame:
    case Abuse::kLibraryVerdict:
    case Abuse::kTlsMessage:
    case Abuse::kProtocolError:
    case Abuse::kUnacknowledgedSettings:
    case Abuse::kUnfinishedHead:
    case Abuse::kStalled:
      return false;
  }
  return false;
}

}  // namespace gatehouse
