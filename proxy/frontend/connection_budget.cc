#include "proxy/frontend/connection_budget.h"

namespace gatehouse {

bool ConnectionBudget::take() {
  const std::uint64_t limit = limit_.load(std::memory_order_relaxed);
  const std::uint64_t before = open_.fetch_add(1, std::memory_order_relaxed);
  if ((limit == 0 || before < limit) && (!parent_ || parent_->take())) return true;
  open_.fetch_sub(1, std::memory_order_relaxed);
  return false;
}

void ConnectionBudget::give_back() {
  open_.fetch_sub(1, std::memory_order_relaxed);
  if (parent_) parent_->give_back();
}

ConnectionPermit ConnectionPermit::request(const std::shared_ptr<ConnectionBudget>& budget) {
  ConnectionPermit permit;
  permit.granted_ = !budget || budget->take();
  if (permit.granted_) permit.budget_ = budget;
  return permit;
}

ConnectionPermit& ConnectionPermit::operator=(ConnectionPermit&& other) noexcept {
  if (this == &other) return *this;
  release();
  granted_ = std::exchange(other.granted_, false);
  budget_ = std::move(other.budget_);
  return *this;
}

void ConnectionPermit::release() {
  if (granted_ && budget_) budget_->give_back();
  granted_ = false;
  budget_.reset();
}

}  // namespace gatehouse
