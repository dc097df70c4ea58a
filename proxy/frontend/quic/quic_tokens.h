// The keys and tokens of QUIC: address-bound Retry and NEW_TOKEN tokens, and the stateless reset token of a connection
// id. They derive from secrets that are the same on every worker and survive a restart, so that a fresh process can end
// the connections of the old one (RFC 9000 sections 8.1 and 10.3). Machines may share the secret of the tokens; that of
// the resets is a machine's own, since one that could reset another's connections would, with a packet that went
// astray; and that of each listener differs, or else one would say by what token another's connections are ended.
// Values and pure functions, any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <vector>

#include <ngtcp2/ngtcp2.h>

#include "common/address.h"
#include "common/clock.h"
#include "common/result.h"
#include "proxy/frontend/quic/quic_socket.h"

namespace gatehouse {

// Every copy is wiped when it goes. Made by Rollout once, from the state directory or what machines share; each
// QuicDispatch has those of its listener.
struct QuicSecrets {
  ~QuicSecrets();

  // Of stateless reset tokens (RFC 9000 section 10.3.2).
  std::array<std::uint8_t, 32> reset_key{};
  // Of Retry and NEW_TOKEN tokens.
  std::array<std::uint8_t, 32> token_key{};

  // Returns both keys of a secret, by HMAC: the same for the same secret.
  static QuicSecrets derive(std::span<const std::uint8_t, 32> secret);
  // For a process that has no place to keep one: nothing outlives it.
  static QuicSecrets random();
  // Reads the 32 bytes in `file`, or makes the file (mode 0600) with random ones.
  static Result<QuicSecrets> load_or_create(const std::filesystem::path& file);

  // From now on with the tokens of all machines that have this secret, and, if `server_id` says which one this is, with
  // resets that it can still send after it has lost its own secret.
  void share(std::span<const std::uint8_t, 32> secret, std::span<const std::uint8_t> server_id);

  // The same with resets for the connections of the listener at `address` alone: a function of both, so that all
  // workers and the process after a restart have the same.
  QuicSecrets of_listener(const Address& address) const;
};

// Makes and judges tokens; keeps no record of them, so that a token may come more than once.
class QuicTokens {
 public:
  static constexpr std::size_t kMaxToken = 256;
  using Token = std::vector<std::uint8_t>;

  explicit QuicTokens(const QuicSecrets& secrets) : secrets_(secrets) {}

  // Whether a token claims to come from a Retry packet; then it must be valid.
  static bool is_retry_token(std::span<const std::uint8_t> token);

  struct Retry {
    std::uint32_t version = 0;
    // That we chose in the Retry packet.
    const ngtcp2_cid* retry_scid = nullptr;
    // The client's first.
    const ngtcp2_cid* original_dcid = nullptr;
  };
  // Returns a token for that client's address, which holds the ids of the Retry; empty if OpenSSL fails.
  Token retry_token(const UdpPath& path, const Retry& retry, WallTime now) const;

  struct Claim {
    std::span<const std::uint8_t> token;
    std::uint32_t version = 0;
    // Of the Initial packet that brought the token.
    const ngtcp2_cid* dcid = nullptr;
  };
  // Returns the original destination connection id, if the token is ours, this client's and not older than
  // `lifetime`.
  std::optional<ngtcp2_cid> verify_retry(const UdpPath& path, const Claim& claim, Duration lifetime,
                                         WallTime now) const;

  // Returns a token that proves the client's address on a later connection; empty if OpenSSL fails.
  Token new_token(const UdpPath& path, WallTime now) const;
  // Returns whether the token is ours, this client's and not older than `lifetime`.
  bool verify_new_token(const UdpPath& path, std::span<const std::uint8_t> token, Duration lifetime,
                        WallTime now) const;

  static constexpr std::size_t kResetTokenSize = 16;
  // Writes the stateless reset token of the connection id: a function of reset_key and the id. If OpenSSL has no
  // SHA-256 the token is random, and no reset that we send later fits it.
  void reset_token(std::span<std::uint8_t, kResetTokenSize> out, const ngtcp2_cid& cid) const;

 private:
  QuicSecrets secrets_;
};

}  // namespace gatehouse
