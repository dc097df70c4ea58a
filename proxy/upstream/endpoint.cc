#include "proxy/upstream/endpoint.h"

#include <algorithm>
#include <utility>

#include "common/event_loop.h"
#include "proxy/upstream/waiting_line.h"

namespace gatehouse {

namespace {

Endpoint::Identity completed(Endpoint::Identity identity) {
  const Address& address = identity.address;
  if (identity.name.empty()) identity.name = address.to_string();
  if (identity.authority.empty()) identity.authority = address.is_unix() ? "localhost" : address.to_string();
  return identity;
}

}  // namespace

std::optional<Permit> Permit::take(std::shared_ptr<Endpoint> endpoint, std::uint32_t limit) {
  if (!endpoint->take(limit)) return std::nullopt;
  return Permit(std::move(endpoint));
}

Permit& Permit::operator=(Permit&& other) noexcept {
  if (this == &other) return *this;
  give_back();
  endpoint_ = std::move(other.endpoint_);
  return *this;
}

void Permit::give_back() {
  if (const std::shared_ptr<Endpoint> endpoint = std::move(endpoint_)) Endpoint::give_back(endpoint);
}

Endpoint::Endpoint(Identity identity) : identity_(completed(std::move(identity))) {}

void Endpoint::set(Obstacle obstacle) {
  obstacles_.fetch_or(static_cast<std::uint8_t>(obstacle));
}

void Endpoint::joined() {
  since_.store(Clock::system().monotonic().time_since_epoch().count());
}

void Endpoint::clear(Obstacle obstacle) {
  const auto bit = static_cast<std::uint8_t>(obstacle);
  if (obstacles_.load() == bit) joined();
  // What is left may still be good enough where nothing better is: those who wait look for themselves.
  if ((obstacles_.fetch_and(static_cast<std::uint8_t>(~bit)) & bit) == 0) return;
  const std::scoped_lock lock(mailboxes_mutex_);
  tell_all_mailboxes();
}

void Endpoint::tell_all_mailboxes() {
  for (const std::shared_ptr<LineMailbox>& mailbox : mailboxes_) LineMailbox::ask_to_look(mailbox);
}

void Endpoint::succeeded() {
  if (failures_in_row_.load(std::memory_order_relaxed) != 0) failures_in_row_.store(0, std::memory_order_relaxed);
}

std::uint32_t Endpoint::failed() {
  return failures_in_row_.fetch_add(1, std::memory_order_relaxed) + 1;
}

// Sequentially consistent against set(kNotServing): whoever sets it and then reads no request in flight comes before
// this increment, so that the look afterwards finds the obstacle.
bool Endpoint::take(std::uint32_t limit) {
  if (!take_any(limit)) return false;
  if ((obstacles_.load() & static_cast<std::uint8_t>(Obstacle::kNotServing)) != 0) {
    in_flight_.fetch_sub(1);
    return false;
  }
  requests_.fetch_add(1, std::memory_order_relaxed);
  return true;
}

bool Endpoint::take_any(std::uint32_t limit) {
  if (limit == 0) {
    in_flight_.fetch_add(1);
    return true;
  }
  std::uint32_t taken = in_flight_.load();
  while (taken < limit) {
    if (in_flight_.compare_exchange_weak(taken, taken + 1)) return true;
  }
  return false;
}

// Sequentially consistent against join_line(): either this sees the mailbox, or the mailbox's owner sees the free
// permit.
void Endpoint::give_back(const std::shared_ptr<Endpoint>& endpoint) {
  endpoint->in_flight_.fetch_sub(1);
  if (endpoint->mailboxes_waiting_.load() != 0) offer_permit(endpoint);
}

void Endpoint::join_line(const std::shared_ptr<Endpoint>& endpoint, const std::shared_ptr<LineMailbox>& mailbox) {
  {
    const std::scoped_lock lock(endpoint->mailboxes_mutex_);
    endpoint->mailboxes_.push_back(mailbox);
    endpoint->mailboxes_waiting_.store(static_cast<std::uint32_t>(endpoint->mailboxes_.size()));
  }
  offer_permit(endpoint);
}

void Endpoint::leave_line(const std::shared_ptr<LineMailbox>& mailbox) {
  const std::scoped_lock lock(mailboxes_mutex_);
  std::erase(mailboxes_, mailbox);
  mailboxes_waiting_.store(static_cast<std::uint32_t>(mailboxes_.size()));
}

// Posting happens under the lock: a mailbox's loop lives at least until leave_line() has returned.
void Endpoint::offer_permit(const std::shared_ptr<Endpoint>& endpoint) {
  const std::scoped_lock lock(endpoint->mailboxes_mutex_);
  if (endpoint->mailboxes_.empty() || endpoint->has(Obstacle::kNotServing)) return;
  const std::shared_ptr<LineMailbox> mailbox = endpoint->mailboxes_.front();
  if (mailbox->max_requests == 0 || !endpoint->available()) {
    endpoint->tell_all_mailboxes();
    return;
  }
  std::optional<Permit> permit = Permit::take(endpoint, mailbox->max_requests);
  if (!permit) return;
  std::ranges::rotate(endpoint->mailboxes_, endpoint->mailboxes_.begin() + 1);
  mailbox->loop.post([mailbox, taken = std::move(*permit)]() mutable {
    if (mailbox->line != nullptr) mailbox->line->receive(std::move(taken));
  });
}

}  // namespace gatehouse
