#include "proxy/gates/known_credentials.h"

#include <cstdint>

#include "common/crypto/mac.h"
#include "common/crypto/random.h"

namespace gatehouse {

KnownCredentials::KnownCredentials() {
  std::array<std::uint8_t, 32> key{};
  random::fill_secure(key);
  key_.assign(key.begin(), key.end());
}

// No name has a zero byte.
std::string KnownCredentials::digest(std::string_view name, std::string_view password) const {
  std::string both(name);
  both += '\0';
  both += password;
  return mac::sign(key_, both);
}

bool KnownCredentials::has(const std::string& digest, MonotonicTime now) const {
  const Part& part = parts_[part_of(digest)];
  const std::scoped_lock lock(part.mutex);
  const auto found = part.until.find(digest);
  return found != part.until.end() && now < found->second;
}

void KnownCredentials::add(const std::string& digest, MonotonicTime now) {
  Part& part = parts_[part_of(digest)];
  const std::scoped_lock lock(part.mutex);
  if (part.until.size() >= kMostOfPart) std::erase_if(part.until, [&](const auto& one) { return one.second <= now; });
  if (part.until.size() >= kMostOfPart) part.until.erase(part.until.begin());
  part.until[digest] = now + kLife;
}

}  // namespace gatehouse
