#include "proxy/frontend/tls/ticket_keys.h"

#include <algorithm>

#include <openssl/crypto.h>

#include "common/crypto/key_file.h"
#include "common/crypto/random.h"

namespace gatehouse {

namespace {

constexpr std::size_t kAccepted = 3;  // of those made here

}  // namespace

TicketKeys::Key::~Key() {
  OPENSSL_cleanse(this, sizeof *this);
}

TicketKeys::TicketKeys(const Clock& clock) : clock_(clock) {
  keys_.reserve(kAccepted);
}

Result<std::shared_ptr<TicketKeys>> TicketKeys::load(const std::vector<std::string>& files) {
  auto loaded = std::make_shared<TicketKeys>();
  loaded->from_files_ = true;
  loaded->keys_.reserve(files.size());
  for (const std::string& file : files) {
    const auto contents = key_file::load(file, kFileSize);
    if (!contents) return std::unexpected(contents.error());
    Key& key = loaded->keys_.emplace_back();
    auto rest = contents->bytes();
    for (const std::span<std::uint8_t> part :
         {std::span<std::uint8_t>(key.name), std::span<std::uint8_t>(key.mac), std::span<std::uint8_t>(key.cipher)}) {
      std::ranges::copy(rest.first(part.size()), part.begin());
      rest = rest.subspan(part.size());
    }
  }
  return loaded;
}

TicketKeys::Key TicketKeys::current() {
  const std::scoped_lock lock(mutex_);
  rotate_if_due();
  return keys_.front();
}

std::optional<TicketKeys::Found> TicketKeys::find(std::span<const std::uint8_t> name) {
  const std::scoped_lock lock(mutex_);
  rotate_if_due();
  const auto found = std::ranges::find_if(keys_, [&](const Key& key) { return std::ranges::equal(key.name, name); });
  if (found == keys_.end()) return std::nullopt;
  return Found{.key = *found, .current = found == keys_.begin()};
}

void TicketKeys::rotate_if_due() {
  const MonotonicTime now = clock_.monotonic();
  if (from_files_ || (!keys_.empty() && now - made_ < kRotation)) return;
  // After a long rest more than one period may have gone by: keys that should be gone by now go.
  const auto periods = keys_.empty() ? std::size_t{1} : static_cast<std::size_t>((now - made_) / kRotation);
  const std::size_t kept = periods >= kAccepted ? 0 : std::min(keys_.size(), kAccepted - periods);
  keys_.resize(kept);
  Key& fresh = *keys_.emplace(keys_.begin());
  random::fill_secure(fresh.name);
  random::fill_secure(fresh.cipher);
  random::fill_secure(fresh.mac);
  made_ = now;
}

}  // namespace gatehouse
