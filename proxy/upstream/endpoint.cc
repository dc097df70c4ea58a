#include "proxy/upstream/endpoint.h"

#include <sys/socket.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "common/event_loop.h"
#include "proxy/upstream/waiting_line.h"

namespace gatehouse {

namespace {

Endpoint::Identity completed(Endpoint::Identity identity) {
  const Address& address = identity.address;
  if (identity.name.empty()) identity.name = (identity.tls ? "https://" : "") + address.to_string();
  if (identity.authority.empty()) identity.authority = address.is_unix() ? "localhost" : address.to_string();
  constexpr std::string_view kDefaultPort = ":443";
  if (identity.tls && identity.authority.ends_with(kDefaultPort)) {
    identity.authority.resize(identity.authority.size() - kDefaultPort.size());
  }
  return identity;
}

// An EndpointFailure in one word:
//
//   | 1: there is one | 1: a fault | 0 | fault (8 bits) | errno or status (16 bits) |
constexpr std::uint32_t kThereIsOne = 1U << 31U;
constexpr std::uint32_t kIsFault = 1U << 30U;
constexpr std::uint32_t kFaultShift = 16;
constexpr std::uint32_t kLow = 0xFFFF;

std::uint32_t packed(const EndpointFailure& why) {
  if (!why.fault) return kThereIsOne | why.status;
  return kThereIsOne | kIsFault | static_cast<std::uint32_t>(*why.fault) << kFaultShift |
         (static_cast<std::uint32_t>(why.error) & kLow);
}

// About so many requests make up an endpoint's share of errors; the last weighs most.
constexpr std::uint32_t kRemembered = 16;

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

const Address* Endpoint::beside(const Address& at) const {
  if (identity_.other_address.family() == AF_UNSPEC) return nullptr;
  return &at == &identity_.other_address ? &identity_.address : &identity_.other_address;
}

void Endpoint::found_at(const Address& at) {
  const bool other = &at == &identity_.other_address;
  if (at_other_.load(std::memory_order_relaxed) != other) at_other_.store(other, std::memory_order_relaxed);
}

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
  end_row();
  if (error_share() != 0) note_error(false);
}

void Endpoint::erred() {
  end_row();
  note_error(true);
}

// While all goes well nothing is written: the line of memory stays every worker's.
void Endpoint::end_row() {
  if (failures_in_row() != 0) count_anew();
  if (outcomes_.trouble.load(std::memory_order_relaxed) != 0) outcomes_.trouble.store(0, std::memory_order_relaxed);
}

std::uint32_t Endpoint::failed(const EndpointFailure& why) {
  outcomes_.trouble.store(packed(why), std::memory_order_relaxed);
  outcomes_.failures.fetch_add(1, std::memory_order_relaxed);
  note_error(true);
  return outcomes_.failures_in_row.fetch_add(1, std::memory_order_relaxed) + 1;
}

// Rounded so that it gets to both ends.
void Endpoint::note_error(bool error) {
  const std::uint32_t share = error_share();
  const std::uint32_t next = error ? share + (kAllErrors - share + kRemembered - 1) / kRemembered
                                   : share - (share + kRemembered - 1) / kRemembered;
  outcomes_.error_share.store(next, std::memory_order_relaxed);
}

std::optional<EndpointFailure> Endpoint::trouble() const {
  const std::uint32_t word = outcomes_.trouble.load(std::memory_order_relaxed);
  if (word == 0) return std::nullopt;
  if ((word & kIsFault) == 0) return EndpointFailure{.status = static_cast<std::uint16_t>(word & kLow)};
  return EndpointFailure{.fault = static_cast<Fault>(word >> kFaultShift & 0xFFU),
                         .error = static_cast<int>(word & kLow)};
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
