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

struct QuicSecrets {  // every copy is wiped when it goes
  ~QuicSecrets();

  std::array<std::uint8_t, 32> reset_key{};
  std::array<std::uint8_t, 32> token_key{};

  static QuicSecrets derive(std::span<const std::uint8_t, 32> secret);
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

class QuicTokens {
 public:
  static constexpr std::size_t kMaxToken = 256;
  using Token = std::vector<std::uint8_t>;

  explicit QuicTokens(const QuicSecrets& secrets) : secrets_(secrets) {}

  // Whether a token claims to come from a Retry packet; then it must be valid.
  static bool is_retry_token(std::span<const std::uint8_t> token);

  struct Retry {
    std::uint32_t version = 0;
    const ngtcp2_cid* retry_scid = nullptr;  // that we chose in the Retry packet
    const ngtcp2_cid* original_dcid = nullptr;
  };
  Token retry_token(const UdpPath& path, const Retry& retry, WallTime now) const;

  struct Claim {
    std::span<const std::uint8_t> token;
    std::uint32_t version = 0;
    const ngtcp2_cid* dcid = nullptr;  // of the Initial packet that brought the token
  };
  // The original destination connection id, if the token is ours, this client's and not older than `lifetime`.
  std::optional<ngtcp2_cid> verify_retry(const UdpPath& path, const Claim& claim, Duration lifetime,
                                         WallTime now) const;

  Token new_token(const UdpPath& path, WallTime now) const;
  bool verify_new_token(const UdpPath& path, std::span<const std::uint8_t> token, Duration lifetime,
                        WallTime now) const;

  static constexpr std::size_t kResetTokenSize = 16;
  void reset_token(std::span<std::uint8_t, kResetTokenSize> out, const ngtcp2_cid& cid) const;

 private:
  QuicSecrets secrets_;
};

}  // namespace gatehouse
