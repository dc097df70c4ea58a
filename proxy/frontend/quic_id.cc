#include "proxy/frontend/quic_id.h"

#include <bit>
#include <cstring>

#include "common/random.h"

namespace gatehouse {

QuicId QuicId::make(std::size_t worker) {
  QuicId id;
  id.size = kLength;
  id.data[0] = kFirstByte;
  id.data[1] = static_cast<std::uint8_t>(worker);
  random::fill_secure(std::span(id.data).subspan(2, kLength - 2));
  return id;
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
