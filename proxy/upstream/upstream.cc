#include "proxy/upstream/upstream.h"

namespace gatehouse {

bool Upstream::begin_wait() const {
  if (waiting_.fetch_add(1, std::memory_order_relaxed) < options_.queue) return true;
  end_wait();
  return false;
}

}  // namespace gatehouse
