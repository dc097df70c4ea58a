#include "proxy/frontend/quic/half_open_count.h"

#include <cassert>

namespace gatehouse {

bool HalfOpenCount::crowded(std::uint64_t prefix, MonotonicTime now) {
  while (!failures_.empty() && failures_.front().until <= now) {
    forget(failures_.front().prefix);
    failures_.pop_front();
  }
  if (total_ >= limits_.total) return true;
  const auto same = by_prefix_.find(prefix);
  return same != by_prefix_.end() && same->second >= limits_.per_prefix;
}

void HalfOpenCount::began(std::uint64_t prefix) {
  ++total_;
  ++by_prefix_[prefix];
}

void HalfOpenCount::forget(std::uint64_t prefix) {
  const auto same = by_prefix_.find(prefix);
  assert(total_ > 0 && same != by_prefix_.end());
  --total_;
  if (--same->second == 0) by_prefix_.erase(same);
}

}  // namespace gatehouse
