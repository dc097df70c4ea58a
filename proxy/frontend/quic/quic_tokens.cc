#include "proxy/frontend/quic/quic_tokens.h"

#include <string>
#include <string_view>

#include <ngtcp2/ngtcp2.h>
#include <ngtcp2/ngtcp2_crypto.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "common/crypto/random.h"
#include "common/crypto/secret_file.h"

namespace gatehouse {

namespace {

using secret_file::Secret;

Secret labelled(std::span<const std::uint8_t, 32> secret, std::string_view label) {
  Secret key{};
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
       reinterpret_cast<const unsigned char*>(label.data()), label.size(), key.data(), nullptr);
  return key;
}

ngtcp2_tstamp stamp(WallTime now) {
  return static_cast<ngtcp2_tstamp>(std::chrono::nanoseconds(now.time_since_epoch()).count());
}

}  // namespace

QuicSecrets::~QuicSecrets() {
  OPENSSL_cleanse(this, sizeof *this);
}

QuicSecrets QuicSecrets::derive(std::span<const std::uint8_t, 32> secret) {
  return {.reset_key = labelled(secret, "gatehouse quic stateless reset"),
          .token_key = labelled(secret, "gatehouse quic address token")};
}

QuicSecrets QuicSecrets::random() {
  Secret secret{};
  random::fill_secure(secret);
  return derive(secret);
}

Result<QuicSecrets> QuicSecrets::load_or_create(const std::filesystem::path& file) {
  const auto secret = secret_file::load_or_create(file);
  if (!secret) return std::unexpected(secret.error());
  return derive(*secret);
}

void QuicSecrets::share(std::span<const std::uint8_t, 32> secret, std::span<const std::uint8_t> server_id) {
  token_key = derive(secret).token_key;
  if (server_id.empty()) return;
  std::string label = "gatehouse quic stateless reset of server ";
  label.append(reinterpret_cast<const char*>(server_id.data()), server_id.size());
  reset_key = labelled(secret, label);
}

QuicSecrets QuicSecrets::of_listener(const Address& address) const {
  QuicSecrets secrets = *this;
  secrets.reset_key = labelled(reset_key, "gatehouse quic stateless reset at " + address.to_string());
  return secrets;
}

bool QuicTokens::is_retry_token(std::span<const std::uint8_t> token) {
  return !token.empty() && token[0] == NGTCP2_CRYPTO_TOKEN_MAGIC_RETRY2;
}

QuicTokens::Token QuicTokens::retry_token(const UdpPath& path, const Retry& retry, WallTime now) const {
  Token token(NGTCP2_CRYPTO_MAX_RETRY_TOKENLEN2);
  const auto size = ngtcp2_crypto_generate_retry_token2(
      token.data(), secrets_.token_key.data(), secrets_.token_key.size(), retry.version, path.remote,
      path.remote_length, retry.retry_scid, retry.original_dcid, stamp(now));
  token.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
  return token;
}

std::optional<ngtcp2_cid> QuicTokens::verify_retry(const UdpPath& path, const Claim& claim, Duration lifetime,
                                                   WallTime now) const {
  ngtcp2_cid original;
  const int status =
      ngtcp2_crypto_verify_retry_token2(&original, claim.token.data(), claim.token.size(), secrets_.token_key.data(),
                                        secrets_.token_key.size(), claim.version, path.remote, path.remote_length,
                                        claim.dcid, static_cast<ngtcp2_duration>(lifetime.count()), stamp(now));
  if (status != 0) return std::nullopt;
  return original;
}

QuicTokens::Token QuicTokens::new_token(const UdpPath& path, WallTime now) const {
  Token token(NGTCP2_CRYPTO_MAX_REGULAR_TOKENLEN);
  const auto size = ngtcp2_crypto_generate_regular_token(
      token.data(), secrets_.token_key.data(), secrets_.token_key.size(), path.remote, path.remote_length, stamp(now));
  token.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
  return token;
}

bool QuicTokens::verify_new_token(const UdpPath& path, std::span<const std::uint8_t> token, Duration lifetime,
                                  WallTime now) const {
  return ngtcp2_crypto_verify_regular_token(token.data(), token.size(), secrets_.token_key.data(),
                                            secrets_.token_key.size(), path.remote, path.remote_length,
                                            static_cast<ngtcp2_duration>(lifetime.count()), stamp(now)) == 0;
}

void QuicTokens::reset_token(std::span<std::uint8_t, kResetTokenSize> out, const ngtcp2_cid& cid) const {
  static_assert(kResetTokenSize == NGTCP2_STATELESS_RESET_TOKENLEN);
  // Fails only if OpenSSL has no SHA-256; an unpredictable token is then the safe one.
  if (ngtcp2_crypto_generate_stateless_reset_token(out.data(), secrets_.reset_key.data(), secrets_.reset_key.size(),
                                                   &cid) != 0) {
    random::fill_secure(out);
  }
}

}  // namespace gatehouse
