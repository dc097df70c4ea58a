#include "proxy/frontend/connection_budget.h"

#include <algorithm>
#include <chrono>

#include "common/event_loop.h"
#include "proxy/frontend/room_maker.h"

namespace gatehouse {
namespace {

constexpr std::chrono::seconds kBetweenLines{10};

}  // namespace

bool ConnectionBudget::take() {
  const std::uint64_t limit = limit_.load(std::memory_order_relaxed);
  const std::uint64_t before = open_.fetch_add(1, std::memory_order_relaxed);
  if ((limit == 0 || before < limit) && (!parent_ || parent_->take())) return true;
  open_.fetch_sub(1, std::memory_order_relaxed);
  return false;
}

// Whoever waits looks again by itself after a while too: nothing depends on the order of the two.
void ConnectionBudget::give_back(const Ptr& budget) {
  budget->open_.fetch_sub(1, std::memory_order_relaxed);
  if (budget->somebody_waits_.load(std::memory_order_relaxed)) tell_waiting(budget);
  if (budget->parent_) give_back(budget->parent_);
}

ConnectionBudget::Ptr ConnectionBudget::full_one(Ptr budget) {
  while (budget && (budget->limit() == 0 || budget->open() < budget->limit())) budget = budget->parent_;
  return budget;
}

ConnectionBudget::Ptr ConnectionBudget::tightest(Ptr budget) {
  const auto room = [](const Ptr& one) { return one->limit() - std::min(one->limit(), one->open()); };
  Ptr least;
  for (; budget; budget = budget->parent_) {
    if (budget->limit() != 0 && (!least || room(budget) < room(least))) least = budget;
  }
  return least;
}

// Two threads at the edge of the ten seconds: one of them tells.
std::optional<std::uint64_t> ConnectionBudget::note_refusal(MonotonicTime now) {
  refusals_.count.fetch_add(1, std::memory_order_relaxed);
  Duration::rep told_at = refusals_.told_at.load(std::memory_order_relaxed);
  const Duration::rep this_moment = now.time_since_epoch().count();
  if (told_at != 0 && Duration(this_moment - told_at) < kBetweenLines) return std::nullopt;
  if (!refusals_.told_at.compare_exchange_strong(told_at, this_moment, std::memory_order_relaxed)) return std::nullopt;
  return refusals_.count.exchange(0, std::memory_order_relaxed);
}

bool ConnectionBudget::has_room_for_newcomer(Ptr budget) {
  for (; budget; budget = budget->parent_) {
    const std::uint64_t expected = budget->open() + budget->hoped_for_.load(std::memory_order_relaxed);
    if (budget->limit() != 0 && expected >= budget->limit()) return false;
  }
  return true;
}

ConnectionBudget::Ptr ConnectionBudget::topmost(Ptr budget) {
  while (budget && budget->parent_) budget = budget->parent_;
  return budget;
}

bool ConnectionBudget::take_wish() {
  for (std::uint64_t wished = wished_.load(std::memory_order_relaxed); wished > 0;) {
    if (wished_.compare_exchange_weak(wished, wished - 1, std::memory_order_relaxed)) return true;
  }
  return parent_ && parent_->take_wish();
}

void ConnectionBudget::join(const Member& member) {
  const std::scoped_lock lock(mutex_);
  members_.push_back(member);
  std::ranges::sort(members_, {}, &Member::id);
}

void ConnectionBudget::leave(std::uint64_t id) {
  const std::scoped_lock lock(mutex_);
  std::erase_if(members_, [id](const Member& member) { return member.id == id; });
}

void ConnectionBudget::wait(std::uint64_t id) {
  const std::scoped_lock lock(mutex_);
  const auto member = std::ranges::find(members_, id, &Member::id);
  if (member == members_.end()) return;
  member->waits = true;
  somebody_waits_.store(true, std::memory_order_relaxed);
}

RoomMaker* ConnectionBudget::find(std::uint64_t id) {
  const std::scoped_lock lock(mutex_);
  const auto member = std::ranges::find(members_, id, &Member::id);
  return member == members_.end() ? nullptr : member->maker;
}

void ConnectionBudget::ask_others(const Ptr& budget, std::uint64_t asker, std::size_t wanted) {
  std::size_t members = 0;
  {
    const std::scoped_lock lock(budget->mutex_);
    members = budget->members_.size();
  }
  if (members > 1) pass_on(budget, {.at = asker, .left = members - 1, .wanted = wanted});
}

void ConnectionBudget::pass_on(const Ptr& budget, Round round) {
  if (round.wanted == 0 || round.left-- == 0) return;
  const std::scoped_lock lock(budget->mutex_);  // held over post(): the loop lives at least until leave()
  if (budget->members_.empty()) return;
  auto next = std::ranges::upper_bound(budget->members_, round.at, {}, &Member::id);
  if (next == budget->members_.end()) next = budget->members_.begin();
  round.at = next->id;
  next->loop->post([budget, round]() mutable {
    if (RoomMaker* const maker = budget->find(round.at)) round.wanted -= maker->give(round.wanted);
    pass_on(budget, round);
  });
}

void ConnectionBudget::tell_waiting(const Ptr& budget) {
  const std::scoped_lock lock(budget->mutex_);
  budget->somebody_waits_.store(false, std::memory_order_relaxed);
  for (Member& member : budget->members_) {
    if (!std::exchange(member.waits, false)) continue;
    member.loop->post([budget, id = member.id] {
      if (RoomMaker* const maker = budget->find(id)) maker->room_came();
    });
  }
}

ConnectionHope::ConnectionHope(ConnectionBudget::Ptr budget) : budget_(std::move(budget)) {
  for (auto each = budget_; each; each = each->parent_) each->hoped_for_.fetch_add(1, std::memory_order_relaxed);
}

ConnectionHope::~ConnectionHope() {
  for (auto each = budget_; each; each = each->parent_) each->hoped_for_.fetch_sub(1, std::memory_order_relaxed);
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
  client_ = std::move(other.client_);
  return *this;
}

void ConnectionPermit::release() {
  if (granted_ && budget_) ConnectionBudget::give_back(budget_);
  granted_ = false;
  budget_.reset();
  client_ = ClientEntry();
}

}  // namespace gatehouse
