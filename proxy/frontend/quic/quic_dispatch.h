// Which connection a QUIC packet belongs to, and what is said to packets that belong to none: the table of connection
// ids of one listener on one worker, the address validation policy (Retry), and the answers that need no state.
// Owned by the QuicListener; holds no connection alive (context.connections does); one loop's thread.
//
//   datagram --id known--> connection          Initial  --token, half-open counts--> new connection, Retry, refusal
//            --id that has ended--> farewell   version unknown --> Version Negotiation     other --> stateless reset
//            --id of another worker--> group
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include <ngtcp2/ngtcp2.h>

#include "common/timer.h"
#include "proxy/frontend/listener_context.h"
#include "proxy/frontend/quic/half_open_count.h"
#include "proxy/frontend/quic/quic_farewells.h"
#include "proxy/frontend/quic/quic_group.h"
#include "proxy/frontend/quic/quic_id.h"
#include "proxy/frontend/quic/quic_listener.h"
#include "proxy/frontend/quic/quic_options.h"
#include "proxy/frontend/quic/quic_socket.h"
#include "proxy/frontend/quic/quic_tokens.h"
#include "proxy/frontend/room_maker.h"
#include "proxy/frontend/token_bucket.h"

namespace gatehouse {

class QuicConnection;

// What the connections of a listener use.
struct QuicEnvironment {
  ListenerContext& context;
  QuicSocket& socket;
  QuicTokens tokens;
  QuicOptions options;
};

class QuicDispatch {
 public:
  QuicDispatch(ListenerContext& context, QuicSocket& socket, QuicListener::Dependencies dependencies);
  ~QuicDispatch();
  QuicDispatch(const QuicDispatch&) = delete;
  QuicDispatch& operator=(const QuicDispatch&) = delete;

  void receive(const UdpDatagram& datagram);
  void socket_writable();
  void refuse_new() { accepting_ = false; }
  bool bids_farewell() const { return !farewells_.empty(); }  // to connections that have ended lately
  void close_all();                                           // every connection says goodbye and forgets this listener

  // --- for connections ---
  const QuicEnvironment& environment() const { return environment_; }
  QuicId make_id() const;  // that no connection here has
  void add(const ngtcp2_cid& id, QuicConnection& connection);
  void remove(const ngtcp2_cid& id);
  void wait_for_room(QuicConnection& connection);  // its flush() is called again when the socket has room
  void stop_waiting(QuicConnection& connection);
  // Takes over what is to be said to packets of a connection that has ended.
  void bid(QuicFarewell farewell) { farewells_.add(std::move(farewell)); }
  // A packet of somebody whose address is proven finds no place: it is dropped, and others are asked to go.
  void no_room();
  // A connection that begins without a token counts as half open until its handshake is complete.
  HalfOpenCount& half_open() { return half_open_; }

 private:
  struct Room {
    RoomMaker maker;
    Timer ask;
    MonotonicTime asked_at{};
    std::size_t waiting = 0;  // packets of clients that found none, since others were asked to make some
  };
  // What a valid token proves.
  struct Validation {
    bool proven = false;
    bool refused = false;  // it claims to come from a Retry and is not valid
    ngtcp2_token_type type = NGTCP2_TOKEN_TYPE_UNKNOWN;
    ngtcp2_cid original_dcid{};
  };

  void unknown_long(const UdpDatagram& datagram);
  void unknown_short(const UdpDatagram& datagram, std::span<const std::uint8_t> id);
  void repeat_farewell(const UdpDatagram& datagram, const QuicId& id);
  bool hand_over(const UdpDatagram& datagram, std::span<const std::uint8_t> id);
  void accept(const UdpDatagram& datagram, const ngtcp2_pkt_hd& head);
  Validation validate(const UdpDatagram& datagram, const ngtcp2_pkt_hd& head) const;
  void ask_for_room();
  bool must_prove_itself(std::uint64_t prefix, const Address& client);
  void negotiate_version(const UdpDatagram& datagram, const ngtcp2_version_cid& ids);
  void retry(const UdpDatagram& datagram, const ngtcp2_pkt_hd& head);
  void refuse(const UdpDatagram& datagram, const ngtcp2_pkt_hd& head, std::uint64_t error);
  void reset(const UdpDatagram& datagram, std::span<const std::uint8_t> id);
  void reply(const UdpDatagram& to, std::span<const std::uint8_t> packet);
  void drop() { environment_.context.counters.datagrams_dropped.add(); }

  QuicEnvironment environment_;
  std::shared_ptr<QuicGroup> group_;
  std::size_t worker_;
  std::unordered_map<QuicId, QuicConnection*, QuicIdHash> ids_;
  QuicFarewells farewells_;
  HalfOpenCount half_open_;
  TokenBucket resets_;
  Room room_;
  std::unordered_set<QuicConnection*> waiting_;  // for room in the socket
  bool accepting_ = true;
};

// The part of a client's address that half-open connections are counted by: a /24 or a /56.
std::uint64_t address_prefix(const UdpPath& path);

}  // namespace gatehouse
