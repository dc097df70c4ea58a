#include "proxy/http/exchange/stall_watch.h"

#include <algorithm>
#include <cassert>
#include <chrono>
#include <utility>

#include "common/event_loop.h"

namespace gatehouse {

namespace {

constexpr int kLooks = 8;  // in the time of the patience: a client is cut off at most so much of it late
constexpr Duration kShortest = std::chrono::milliseconds(1);
constexpr Duration kShortestPace = std::chrono::milliseconds(100);  // so much may be overlooked of who is a little slow

// Of somebody who has been silent for a while.
Duration between_looks(const Patience& patience) {
  return std::max<Duration>(patience.silence / kLooks, kShortest);
}

}  // namespace

void ClientStall::begin(MonotonicTime now) {
  if (!std::exchange(begun_, true)) moved_ = looked_ = now;
}

Duration ClientStall::first(const Patience& patience) const {
  const Duration look = between_looks(patience);
  return patience.min_rate == 0 ? look : std::clamp(pace_.left(), std::min(kShortestPace, look), look);
}

Duration ClientStall::left(MonotonicTime now, std::int64_t progress, const Patience& patience) {
  assert(begun_);
  std::int64_t moved = 0;
  if (progress > progress_) {
    moved = progress - progress_;
    progress_ = progress;
    moved_ = now;
  }
  const Duration waited = now - std::exchange(looked_, now);
  const Duration silence = patience.silence - (now - moved_);
  fault_ = Fault::kClientStalled;
  if (patience.min_rate == 0 || silence <= Duration::zero()) return silence;
  const Duration pace = pace_.left(waited, static_cast<std::uint64_t>(moved), patience.min_rate, patience.silence);
  if (pace <= Duration::zero()) fault_ = Fault::kResponseTooSlow;
  return pace <= Duration::zero() ? pace : std::min(silence, std::max(pace, kShortestPace));
}

StallWatch::StallWatch(EventLoop& loop, std::move_only_function<void()> stalled)
    : loop_(loop), stalled_(std::move(stalled)), timer_(loop, [this] { look(); }) {}

void StallWatch::wait(const Patience& patience) {
  if (waiting()) return;
  patience_ = patience;
  stall_.begin(loop_.now());
  timer_.arm(stall_.first(patience));
}

void StallWatch::rest() {
  stall_.end();
  timer_.disarm();
}

void StallWatch::look() {
  const Duration left = stall_.left(loop_.now(), progress_ ? progress_() : 0, patience_);
  if (left > Duration::zero()) return timer_.arm(std::min(left, between_looks(patience_)));
  stall_.end();
  stalled_();
}

}  // namespace gatehouse
