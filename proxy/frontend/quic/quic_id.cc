#include "proxy/frontend/quic/quic_id.h"

#include <bit>
#include <cassert>
#include <cstring>

#include "common/crypto/random.h"

namespace gatehouse {

QuicIdLayout::QuicIdLayout(std::span<const std::uint8_t> server, std::uint8_t config)
    : server_size_(static_cast<std::uint8_t>(server.size())), config_(config) {
  assert(!server.empty() && server.size() <= kMaxServerId && config <= kMaxConfig);
  constexpr std::size_t kBesideServer = 8;  // the first byte, the worker, and six at random
  std::ranges::copy(server, server_.begin());
  length_ = static_cast<std::uint8_t>(
      std::clamp<std::size_t>(server.size() + kBesideServer, kUsualLength, QuicId::kMaxLength));
}

QuicId QuicIdLayout::make(std::size_t worker) const {
  QuicId id;
  id.size = length_;
  id.data[0] = first_byte();
  std::ranges::copy(server(), id.data.begin() + 1);
  id.data[worker_at()] = static_cast<std::uint8_t>(worker);
  random::fill_secure(std::span(id.data).first(length_).subspan(worker_at() + 1));
  return id;
}

std::optional<std::size_t> QuicIdLayout::worker_of(std::span<const std::uint8_t> id) const {
  if (id.size() != length_ || id[0] != first_byte()) return std::nullopt;
  if (!std::ranges::equal(id.subspan(1, server_size_), server())) return std::nullopt;
  return id[worker_at()];
}

std::size_t QuicIdHash::operator()(const QuicId& id) const {
  std::uint64_t words[3] = {};
  static_assert(sizeof words >= QuicId::kMaxLength);
  std::memcpy(words, id.data.data(), id.size);
  std::uint64_t hash = key ^ id.size;
  for (const std::uint64_t word : words) {
    hash = (hash ^ word) * 0x9e37'79b9'7f4a'7c15U;
    hash ^= std::rotr(hash, 29) ^ key;
  }
  return hash;
}

}  // namespace gatehouse
