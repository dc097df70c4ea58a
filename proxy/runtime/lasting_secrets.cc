#include "proxy/runtime/lasting_secrets.h"

#include <cstddef>
#include <optional>
#include <utility>

#include "common/crypto/key_file.h"
#include "common/crypto/mac.h"
#include "common/crypto/random.h"
#include "common/crypto/secret_file.h"
#include "common/log.h"
#include "proxy/system/directories.h"

namespace gatehouse {
namespace {

constexpr std::size_t kSecretSize = sizeof(secret_file::Secret);

// What the machines of a fleet have in common, if they do.
std::optional<key_file::Key> shared_secret(const config::Server& server) {
  if (server.secret_file.path.empty()) return std::nullopt;
  auto key = key_file::load(server.secret_file.path, kSecretSize);
  if (key) return *std::move(key);
  log::error("{}; a secret of this machine's own is used instead", key.error().message);
  return std::nullopt;
}

// RFC 9000 section 10.3: what ends the connections of our former self.
QuicSecrets own_quic_secrets() {
  auto directory = directories::state();
  if (!directory) {
    log::warn("QUIC secrets will not survive a restart: {}", directory.error().message);
    return QuicSecrets::random();
  }
  auto secrets = QuicSecrets::load_or_create(*directory / "quic-secret");
  if (secrets) return *secrets;
  log::warn("QUIC secrets will not survive a restart: {}", secrets.error().message);
  return QuicSecrets::random();
}

QuicSecrets quic_secrets(const std::optional<key_file::Key>& shared, const config::Server& server) {
  // With a server id all of them derive from what is shared, and none needs a place of its own to be kept.
  const bool needs_own = !shared || server.quic_server_id.empty();
  QuicSecrets secrets = needs_own ? own_quic_secrets() : QuicSecrets{};
  if (shared) secrets.share(shared->bytes().first<kSecretSize>(), server.quic_server_id);
  return secrets;
}

std::string affinity_key_of(const std::optional<key_file::Key>& shared) {
  if (shared) {
    const auto bytes = shared->bytes();
    return mac::sign({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, "gatehouse affinity cookies");
  }
  const auto directory = directories::state();
  auto secret = directory ? secret_file::load_or_create(*directory / "affinity-secret")
                          : Result<secret_file::Secret>(std::unexpected(directory.error()));
  if (!secret) {
    log::warn("affinity cookies will not survive a restart: {}", secret.error().message);
    secret.emplace();
    random::fill_secure(*secret);
  }
  return {secret->begin(), secret->end()};
}

}  // namespace

LastingSecrets::LastingSecrets(const config::Server& server) {
  const std::optional<key_file::Key> shared = shared_secret(server);
  quic_ = quic_secrets(shared, server);
  affinity_key_ = affinity_key_of(shared);
}

}  // namespace gatehouse
