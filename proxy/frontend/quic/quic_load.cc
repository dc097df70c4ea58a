#include "proxy/frontend/quic/quic_load.h"

#include <algorithm>

namespace gatehouse {

H3Session::Outcome QuicLoad::refill(H3Session& session) {
  if (piece_.stream >= 0) return {};
  piece_.fin = false;
  piece_.parts = 0;
  const auto fine = session.next(piece_);
  for (std::size_t i = 0; i < piece_.parts; ++i) parts_[i] = {.base = piece_.part[i].base, .len = piece_.part[i].len};
  first_ = 0;
  taken_ = 0;
  return fine;
}

H3Session::Outcome QuicLoad::take(H3Session& session, std::size_t bytes) {
  taken_ += bytes;
  while (first_ < piece_.parts) {
    ngtcp2_vec& part = parts_[first_];
    const std::size_t count = std::min(bytes, part.len);
    part.base += count;
    part.len -= count;
    bytes -= count;
    if (part.len > 0) return {};
    ++first_;
  }
  return settle(session);
}

H3Session::Outcome QuicLoad::settle(H3Session& session) {
  if (piece_.stream < 0) return {};
  const auto fine = session.sent(piece_, taken_);
  piece_.stream = -1;
  return fine;
}

}  // namespace gatehouse
