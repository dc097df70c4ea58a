// The connection ids that we issue, and what can be read from them without any state:
//
//   byte 0      kFirstByte: which layout this is (upper three bits, for server ids to come) and the length less one
//   byte 1      the worker that owns the connection
//   bytes 2-11  random
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
  static constexpr std::size_t kMaxLength = 20;
  static constexpr std::size_t kLength = 12;
  static constexpr std::uint8_t kLayout = 1;
  static constexpr std::uint8_t kFirstByte = (kLayout << 5) | (kLength - 1);

  std::uint8_t size = 0;
  std::array<std::uint8_t, kMaxLength> data{};

  static QuicId of(std::span<const std::uint8_t> bytes) {
    QuicId id;
    id.size = static_cast<std::uint8_t>(std::min(bytes.size(), kMaxLength));
    std::copy_n(bytes.begin(), id.size, id.data.begin());
    return id;
  }
  static QuicId make(std::size_t worker);

  // The worker that issued `id`, if it looks like one of ours. (A client's first id may by chance: then that worker
  // serves it, which is as good as any.)
  static std::optional<std::size_t> worker_of(std::span<const std::uint8_t> id) {
    if (id.size() != kLength || id[0] != kFirstByte) return std::nullopt;
    return id[1];
  }

  std::span<const std::uint8_t> bytes() const { return {data.data(), size}; }
  friend bool operator==(const QuicId&, const QuicId&) = default;
};

// Keyed, since clients choose some of the ids.
struct QuicIdHash {
  std::uint64_t key;
  std::size_t operator()(const QuicId& id) const;
};

}  // namespace gatehouse
