#include "proxy/frontend/quic/handshake_tally.h"

#include <algorithm>
#include <span>

namespace gatehouse {

void HandshakeTally::failed(std::uint64_t prefix, MonotonicTime now) {
  const std::scoped_lock lock(mutex_);
  any_.store(true, std::memory_order_relaxed);
  const auto known = std::span(failures_).first(count_);
  const auto same = std::ranges::find(known, prefix, &Failure::prefix);
  if (same != known.end()) {
    same->at = now;
  } else if (count_ < kCrowd) {
    failures_[count_++] = {.prefix = prefix, .at = now};
  } else {
    *std::ranges::min_element(failures_, {}, &Failure::at) = {.prefix = prefix, .at = now};
  }
}

void HandshakeTally::succeeded() {
  successes_.fetch_add(1, std::memory_order_relaxed);
  if (!any_.load(std::memory_order_relaxed)) return;
  const std::scoped_lock lock(mutex_);
  count_ = 0;
  any_.store(false, std::memory_order_relaxed);
}

bool HandshakeTally::only_failures(MonotonicTime now) {
  const std::scoped_lock lock(mutex_);
  return count_ == kCrowd &&
         std::ranges::all_of(failures_, [now](const Failure& failure) { return now - failure.at < kWindow; });
}

}  // namespace gatehouse
