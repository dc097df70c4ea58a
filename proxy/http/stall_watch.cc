#include "proxy/http/stall_watch.h"

#include <algorithm>
#include <cassert>
#include <chrono>
#include <utility>

#include "common/event_loop.h"

namespace gatehouse {

namespace {

constexpr int kLooks = 8;  // in the time of the patience: a client is cut off at most so much of it late
constexpr Duration kShortest = std::chrono::milliseconds(1);

}  // namespace

void ClientStall::begin(MonotonicTime now) {
  if (!std::exchange(begun_, true)) moved_ = now;
}

Duration ClientStall::left(MonotonicTime now, std::int64_t progress, Duration patience) {
  assert(begun_);
  if (progress > progress_) {
    progress_ = progress;
    moved_ = now;
  }
  return patience - (now - moved_);
}

StallWatch::StallWatch(EventLoop& loop, std::move_only_function<void()> stalled)
    : loop_(loop), stalled_(std::move(stalled)), timer_(loop, [this] { look(); }) {}

void StallWatch::wait(Duration patience) {
  if (waiting()) return;
  patience_ = patience;
  stall_.begin(loop_.now());
  timer_.arm(std::max(patience / kLooks, kShortest));
}

void StallWatch::rest() {
  stall_.end();
  timer_.disarm();
}

void StallWatch::look() {
  const Duration left = stall_.left(loop_.now(), progress_ ? progress_() : 0, patience_);
  if (left > Duration::zero()) return timer_.arm(std::min(left, std::max(patience_ / kLooks, kShortest)));
  stall_.end();
  stalled_();
}

}  // namespace gatehouse
