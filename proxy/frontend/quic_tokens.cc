#include "proxy/frontend/quic_tokens.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <string_view>

#include <ngtcp2/ngtcp2.h>
#include <ngtcp2/ngtcp2_crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "common/fd.h"
#include "common/random.h"

namespace gatehouse {

namespace {

using Secret = std::array<std::uint8_t, 32>;

Secret labelled(std::span<const std::uint8_t, 32> secret, std::string_view label) {
  Secret key{};
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
       reinterpret_cast<const unsigned char*>(label.data()), label.size(), key.data(), nullptr);
  return key;
}

ngtcp2_tstamp stamp(WallTime now) {
  return static_cast<ngtcp2_tstamp>(std::chrono::nanoseconds(now.time_since_epoch()).count());
}

Result<Secret> read_secret(const std::string& file) {
  const Fd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return system_failure("cannot open the QUIC secret " + file, errno);
  Secret secret{};
  const ssize_t count = ::read(fd.get(), secret.data(), secret.size());
  if (count < 0) return system_failure("cannot read the QUIC secret " + file, errno);
  if (static_cast<std::size_t>(count) != secret.size()) {
    return failure("the QUIC secret " + file + " does not hold 32 bytes");
  }
  return secret;
}

// Whole or not at all, and never over another process's: a file of another name, then a link to it.
Result<> write_secret(const std::string& file) {
  Secret secret{};
  random::fill_secure(secret);
  const std::string draft = file + "." + std::to_string(::getpid());
  const auto broken = [&] { return system_failure("cannot write the QUIC secret " + file, errno); };
  const Fd fd(::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) return broken();
  const bool written = ::write(fd.get(), secret.data(), secret.size()) == static_cast<ssize_t>(secret.size()) &&
                       ::fsync(fd.get()) == 0 && (::link(draft.c_str(), file.c_str()) == 0 || errno == EEXIST);
  Result<> result;
  if (!written) result = broken();
  ::unlink(draft.c_str());
  return result;
}

}  // namespace

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
  auto secret = read_secret(file);
  if (!secret && secret.error().code == ENOENT) {
    if (auto made = write_secret(file); !made) return std::unexpected(std::move(made.error()));
    secret = read_secret(file);
  }
  if (!secret) return std::unexpected(std::move(secret.error()));
  return derive(*secret);
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
