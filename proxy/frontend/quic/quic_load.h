// What the packets of one train carry of the session's streams: the piece that it offered last, until they have taken
// all of it. On bulk a piece fills many packets, and the session hears of them at once. Empty between trains, so that
// one serves all connections of a thread; the bytes are the session's.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include <ngtcp2/ngtcp2.h>

#include "proxy/frontend/h3/h3_session.h"

namespace gatehouse {

class QuicLoad {
 public:
  // Forgets a piece that a connection left behind when it failed.
  void clear() { piece_.stream = -1; }

  // Asks the session for its next piece where there is none. What is left of the piece follows.
  H3Session::Outcome refill(H3Session& session);
  // -1: there is nothing to send.
  std::int64_t stream() const { return piece_.stream; }
  bool fin() const { return piece_.fin; }
  std::span<const ngtcp2_vec> rest() const { return std::span(parts_).subspan(first_, piece_.parts - first_); }

  // A packet has so many bytes of what is left, and its fin if that was all.
  H3Session::Outcome take(H3Session& session, std::size_t bytes);
  // Tells the session how much was taken; it offers the rest again, after other streams where it is their turn.
  H3Session::Outcome settle(H3Session& session);

 private:
  H3Session::Piece piece_;
  std::array<ngtcp2_vec, H3Session::Piece::kMaxParts> parts_{};
  // Of the parts, the first with bytes that are left.
  std::size_t first_ = 0;
  std::size_t taken_ = 0;
};

}  // namespace gatehouse
