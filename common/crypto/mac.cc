#include "common/crypto/mac.h"

#include <array>
#include <cstddef>
#include <cstdlib>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "common/log.h"
#include "common/text.h"

namespace gatehouse::mac {

namespace {

constexpr std::size_t kKeptBytes = 16;

}  // namespace

std::string sign(std::string_view key, std::string_view message) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  const auto* bytes = reinterpret_cast<const unsigned char*>(message.data());
  // A null key would mean "the one before"; an empty one is a key.
  const char* secret = key.empty() ? "" : key.data();
  if (HMAC(EVP_sha256(), secret, static_cast<int>(key.size()), bytes, message.size(), digest.data(), &size) ==
          nullptr ||
      size < kKeptBytes) {
    log::error("no HMAC could be made; nothing that must be signed can go on");
    std::abort();
  }
  return text::hex({reinterpret_cast<const char*>(digest.data()), kKeptBytes});
}

bool equal(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace gatehouse::mac
