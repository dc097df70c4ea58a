#include "proxy/frontend/ticket_keys.h"

#include <algorithm>

#include <openssl/crypto.h>

#include "common/random.h"

namespace gatehouse {

TicketKeys::TicketKeys(const Clock& clock) : clock_(clock) {}

TicketKeys::~TicketKeys() {
  OPENSSL_cleanse(keys_.data(), sizeof keys_);
}

TicketKeys::Key TicketKeys::current() {
  const std::scoped_lock lock(mutex_);
  rotate_if_due();
  return keys_.front();
}

std::optional<TicketKeys::Found> TicketKeys::find(std::span<const std::uint8_t> name) {
  const std::scoped_lock lock(mutex_);
  rotate_if_due();
  for (std::size_t i = 0; i < count_; ++i) {
    if (std::ranges::equal(keys_[i].name, name)) return Found{.key = keys_[i], .current = i == 0};
  }
  return std::nullopt;
}

void TicketKeys::rotate_if_due() {
  const MonotonicTime now = clock_.monotonic();
  if (count_ > 0 && now - made_ < kRotation) return;
  // After a long rest more than one period may have gone by: keys that should be gone by now go.
  const auto periods = count_ == 0 ? std::size_t{1} : static_cast<std::size_t>((now - made_) / kRotation);
  const std::size_t kept = periods >= keys_.size() ? 0 : std::min(count_, keys_.size() - periods);
  const std::span<Key> keys(keys_);
  std::ranges::copy_backward(keys.first(kept), keys.begin() + static_cast<std::ptrdiff_t>(kept + 1));
  const std::span<Key> gone = keys.subspan(kept + 1);
  OPENSSL_cleanse(gone.data(), gone.size_bytes());
  Key& fresh = keys_.front();
  random::fill_secure(fresh.name);
  random::fill_secure(fresh.cipher);
  random::fill_secure(fresh.mac);
  count_ = kept + 1;
  made_ = now;
}

}  // namespace gatehouse
