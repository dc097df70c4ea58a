// The connection ids that we issue, and what can be read from them without any state. They have the plaintext form of
// QUIC-LB (draft-ietf-quic-load-balancers), so that a balancer finds the server of a connection whose client has
// moved:
//
//   byte    0            1            1 + s        2 + s            length()
//           +------------+------------+------------+----------------+
//           | 3 bits: c  | server id  | worker     | random         |
//           | 5 bits: l  | s bytes    | 1 byte     |                |
//           +------------+------------+------------+----------------+
//
//   c        the configuration's number, or 7 where no server id is set
//   l        how many bytes follow: length() - 1
//   worker   who owns the connection (to a balancer: part of the nonce, like the rest)
//   random   10 bytes without a server id; with one of s bytes 10 - s, but at least 6 up to s = 12; 3 with the longest
//
// Also ids of either side as keys of a table. Values, any thread.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace gatehouse {

struct QuicId {
  // RFC 9000 section 17.2.
  static constexpr std::size_t kMaxLength = 20;

  std::uint8_t size = 0;
  std::array<std::uint8_t, kMaxLength> data{};

  // Cuts what is longer than kMaxLength: no valid id is.
  static QuicId of(std::span<const std::uint8_t> bytes) {
    QuicId id;
    id.size = static_cast<std::uint8_t>(std::min(bytes.size(), kMaxLength));
    std::copy_n(bytes.begin(), id.size, id.data.begin());
    return id;
  }

  std::span<const std::uint8_t> bytes() const { return {data.data(), size}; }
  friend bool operator==(const QuicId&, const QuicId&) = default;
};

class QuicIdLayout {
 public:
  static constexpr std::size_t kMaxServerId = 15;
  static constexpr std::uint8_t kMaxConfig = 6;

  // No server id.
  QuicIdLayout() = default;
  // REQUIRES: 1 <= server.size() <= kMaxServerId, config <= kMaxConfig
  QuicIdLayout(std::span<const std::uint8_t> server, std::uint8_t config);

  // Of every id that we issue, 12 to 20 bytes.
  std::size_t length() const { return length_; }
  // By it and the length ids of ours are known.
  std::uint8_t first_byte() const { return static_cast<std::uint8_t>(config_ << 5 | (length_ - 1)); }
  // Where the worker stands in an id.
  std::size_t worker_at() const { return 1 + server_size_; }

  // Returns a new id of the worker's. With a long server id it may have been issued before: the caller looks.
  QuicId make(std::size_t worker) const;
  // Returns the worker that issued `id`, if it looks like one of this server's. (A client's first id may by chance:
  // then that worker serves it, which is as good as any.) The worker need not exist.
  std::optional<std::size_t> worker_of(std::span<const std::uint8_t> id) const;

 private:
  static constexpr std::uint8_t kUnroutable = 7;
  static constexpr std::uint8_t kUsualLength = 12;

  std::span<const std::uint8_t> server() const { return std::span(server_).first(server_size_); }

  std::array<std::uint8_t, kMaxServerId> server_{};
  std::uint8_t server_size_ = 0;
  std::uint8_t config_ = kUnroutable;
  std::uint8_t length_ = kUsualLength;
};

// Keyed, since clients choose some of the ids.
struct QuicIdHash {
  std::uint64_t key;
  std::size_t operator()(const QuicId& id) const;
};

}  // namespace gatehouse
