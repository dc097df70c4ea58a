#include "proxy/upstream/descriptor_budget.h"

#include <algorithm>

#include "common/event_loop.h"

namespace gatehouse {

DescriptorBudget::Permit::Permit(std::shared_ptr<DescriptorBudget> budget, SharePtr share)
    : budget_(std::move(budget)), share_(std::move(share)) {}

// Sequentially consistent against wants_room(): either this sees that somebody wants, or they see the room.
DescriptorBudget::Permit::~Permit() {
  if (!budget_) return;
  share_->open.fetch_sub(1);
  budget_->open_.fetch_sub(1);
  if (budget_->wanting() > 0) budget_->tell();
}

DescriptorBudget::SharePtr DescriptorBudget::share(std::string_view upstream) {
  const std::scoped_lock lock(mutex_);
  // What nobody else holds stays so, because whoever wants a copy has to come here.
  std::erase_if(shares_, [](const auto& entry) { return entry.second.use_count() == 1; });
  SharePtr& share = shares_[std::string(upstream)];
  if (!share) share = std::make_shared<Share>();
  shares_known_.store(shares_.size());
  return share;
}

bool DescriptorBudget::has_room(const Share& share) const {
  constexpr std::size_t kPart = 4;
  const std::size_t limit = limit_.load();
  if (limit == 0) return true;
  const std::size_t open = open_.load();
  const std::size_t upstreams = shares_known_.load(std::memory_order_relaxed);
  const std::size_t kept = upstreams < 2 ? 0 : limit / kPart;
  if (open < limit - kept) return true;
  return open < limit && share.open.load() < std::max<std::size_t>(1, kept / std::max<std::size_t>(1, upstreams));
}

DescriptorBudget::Permit DescriptorBudget::take(const std::shared_ptr<DescriptorBudget>& budget,
                                                const SharePtr& share) {
  budget->open_.fetch_add(1);
  share->open.fetch_add(1);
  return {budget, share};
}

void DescriptorBudget::join(const std::shared_ptr<Mailbox>& mailbox) {
  const std::scoped_lock lock(mutex_);
  mailboxes_.push_back(mailbox);
}

void DescriptorBudget::leave(const std::shared_ptr<Mailbox>& mailbox) {
  const std::scoped_lock lock(mutex_);
  std::erase(mailboxes_, mailbox);
}

void DescriptorBudget::wants_room() {
  wanting_.fetch_add(1);
  tell();
}

// Posting happens under the lock: a mailbox's loop lives at least until leave() has returned.
void DescriptorBudget::tell() {
  const std::scoped_lock lock(mutex_);
  for (const std::shared_ptr<Mailbox>& mailbox : mailboxes_) {
    mailbox->telling.post(mailbox->loop, [mailbox] {
      if (mailbox->told) mailbox->told();
    });
  }
}

}  // namespace gatehouse
