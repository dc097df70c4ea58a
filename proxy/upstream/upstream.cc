#include "proxy/upstream/upstream.h"

#include <cassert>
#include <utility>

namespace gatehouse {

Upstream::Upstream(std::string name, std::shared_ptr<Membership> membership, const UpstreamOptions& options)
    : name_(std::move(name)), membership_(std::move(membership)), options_(options) {
  assert(membership_);
}

bool Upstream::begin_wait() const {
  if (waiting_.fetch_add(1, std::memory_order_relaxed) < options_.queue) return true;
  end_wait();
  return false;
}

}  // namespace gatehouse
