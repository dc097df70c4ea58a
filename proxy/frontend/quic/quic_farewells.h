// Connections that have ended while packets of theirs may still be on their way (RFC 9000 section 10.2): of each only
// its ids and the CONNECTION_CLOSE that is repeated, so that an end costs some hundred bytes and not a connection with
// its TLS. Their number is bounded: the oldest is forgotten for the newest, and what still comes for it is unknown.
// Owned by the QuicDispatch; one loop's thread.
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
  std::vector<QuicId> ids;           // ours for the connection, and the client's first
  std::vector<std::uint8_t> packet;  // CONNECTION_CLOSE; empty: the client has said goodbye, and hears nothing more
  MonotonicTime until;               // three PTO after the end
};

class QuicFarewells {
 public:
  static constexpr std::size_t kMost = 1000;

  QuicFarewells(EventLoop& loop, QuicIdHash hash);

  void add(QuicFarewell farewell);
  bool knows(const QuicId& id) const;
  // What a packet for `id` is answered with: nothing, or ever more rarely the goodbye (RFC 9000 section 10.2.1), which
  // is good until the next call. REQUIRES: knows(id)
  std::span<const std::uint8_t> packet_for(const QuicId& id);
  bool empty() const { return ended_.empty(); }
  void clear();

 private:
  struct Ended {
    QuicFarewell farewell;
    std::uint64_t received = 0;
    std::uint64_t repeat_at = 1;
  };
  using Position = std::list<Ended>::iterator;

  Position forget(Position ended);
  void sweep();

  EventLoop& loop_;
  std::list<Ended> ended_;  // in the order of their ends
  std::unordered_map<QuicId, Position, QuicIdHash> by_id_;
  Timer sweep_;
};

}  // namespace gatehouse
