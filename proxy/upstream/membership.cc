#include "proxy/upstream/membership.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "common/event_loop.h"
#include "proxy/upstream/waiting_line.h"

namespace gatehouse {

Membership::Membership(std::string upstream, std::shared_ptr<const EndpointSet> set, Hooks hooks)
    : upstream_(std::move(upstream)), hooks_(std::move(hooks)), set_(std::move(set)) {
  assert(set_);
}

std::shared_ptr<const EndpointSet> Membership::set() const {
  const std::scoped_lock lock(mutex_);
  return set_;
}

// Posting happens under the lock: a mailbox's loop lives at least until leave_line() has returned.
void Membership::replace(std::shared_ptr<const EndpointSet> set) {
  assert(set);
  std::shared_ptr<const EndpointSet> before;  // destroyed without the lock
  const std::scoped_lock lock(mutex_);
  before = std::exchange(set_, std::move(set));
  const auto served = [&before](const EndpointSet::Member& member) {
    return std::ranges::contains(before->members, member.endpoint, &EndpointSet::Member::endpoint);
  };
  for (const EndpointSet::Member& member : set_->members) {
    if (!before->members.empty() && !served(member)) member.endpoint->joined();
  }
  version_.fetch_add(1, std::memory_order_release);
  wanted_.store(false);
  for (const std::shared_ptr<LineMailbox>& mailbox : mailboxes_) LineMailbox::ask_to_look(mailbox);
}

void Membership::want() {
  if (!wanted_.exchange(true) && hooks_.wanted) hooks_.wanted();
}

void Membership::keeps_failing(const std::shared_ptr<Endpoint>& endpoint) {
  if (hooks_.keeps_failing) hooks_.keeps_failing(endpoint);
}

void Membership::lost(const std::shared_ptr<Endpoint>& endpoint) {
  if (hooks_.lost) hooks_.lost(endpoint);
}

void Membership::join_line(const std::shared_ptr<LineMailbox>& mailbox) {
  const std::scoped_lock lock(mutex_);
  mailboxes_.push_back(mailbox);
}

void Membership::leave_line(const std::shared_ptr<LineMailbox>& mailbox) {
  const std::scoped_lock lock(mutex_);
  std::erase(mailboxes_, mailbox);
}

}  // namespace gatehouse
