// Connections that have ended while packets of theirs may still be on their way (RFC 9000 section 10.2): of each only
// its ids and the CONNECTION_CLOSE that is repeated, so that an end costs some hundred bytes and not a connection
// with its TLS. Their number is bounded: the oldest is forgotten for the newest, and what still comes for it is
// unknown. Owned by the QuicDispatch; one loop's thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <span>
#include <unordered_map>
#include <vector>

#include "common/clock.h"
#include "common/timer.h"
#include "proxy/frontend/quic/quic_id.h"

namespace gatehouse {

struct QuicFarewell {
  // Ours for the connection, and the client's first.
  std::vector<QuicId> ids;
  // CONNECTION_CLOSE. Empty: the client has said goodbye, and hears nothing more.
  std::vector<std::uint8_t> packet;
  // Three PTO after the end.
  MonotonicTime until;
};

class QuicFarewells {
 public:
  // How many connections are remembered.
  static constexpr std::size_t kMost = 1000;

  // `hash` is keyed as the table of the dispatch is.
  QuicFarewells(EventLoop& loop, QuicIdHash hash);

  // An id that is known already is the new one's from now on.
  void add(QuicFarewell farewell);
  bool knows(const QuicId& id) const;
  // Returns what a packet for `id` is answered with: the goodbye for the 1st, 2nd, 4th, 8th and so on
  // (RFC 9000 section 10.2.1), and nothing for the others. Good until the next call. REQUIRES: knows(id)
  std::span<const std::uint8_t> packet_for(const QuicId& id);
  bool empty() const { return ended_.empty(); }
  // Forgets all.
  void clear();

 private:
  // `received` packets have come since; the goodbye is repeated for number `repeat_at`.
  struct Ended {
    QuicFarewell farewell;
    std::uint64_t received = 0;
    std::uint64_t repeat_at = 1;
  };
  using Position = std::list<Ended>::iterator;

  // Returns the next one.
  Position forget(Position ended);
  // Forgets those whose time is over.
  void sweep();

  EventLoop& loop_;
  // In the order of their ends.
  std::list<Ended> ended_;
  std::unordered_map<QuicId, Position, QuicIdHash> by_id_;
  // The earliest `until`, or earlier where that one was forgotten for want of room; max() while there is none.
  MonotonicTime sweep_at_ = MonotonicTime::max();
  Timer sweep_;
};

}  // namespace gatehouse
