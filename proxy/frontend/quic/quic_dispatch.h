// Which connection a QUIC packet belongs to, and what is said to packets that belong to none: the table of connection
// ids of one listener on one worker, the address validation policy (Retry), and the answers that need no state. Owned
// by the QuicListener; holds no connection alive (context.connections does); one loop's thread.
//
//   datagram: the first of these that is true
//     from a port below 1024 -------------------> dropped
//     version unknown --------------------------> Version Negotiation
//     id known ---------------------------------> connection
//     id of one that has ended -----------------> its farewell
//     id of another worker that is there -------> QuicGroup::forward()
//     another listener of this port takes it ---> Dependencies::others
//     Initial, new ones are refused ------------> CONNECTION_REFUSED
//     Initial, Retry token that is not valid ---> INVALID_TOKEN
//     Initial, token of a probe of our own -----> new connection, which takes no place and is not counted
//     Initial, valid token, no room ------------> dropped; the client sends it again
//     Initial, valid token, client at a limit --> CONNECTION_REFUSED
//     Initial, valid token ---------------------> new connection with a permit
//     Initial, crowded, at a limit, or no room -> Retry
//     Initial ----------------------------------> new connection, half open
//     short header, id of our form -------------> stateless reset, so many a second
//     anything else ----------------------------> dropped
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
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

// What the connections of a listener use. Lives as long as the dispatch.
struct QuicEnvironment {
  ListenerContext& context;
  QuicSocket& socket;
  // Of this listener's address alone (QuicSecrets::of_listener()).
  QuicTokens tokens;
  QuicOptions options;
};

class QuicDispatch {
 public:
  // `context` and `socket` outlive the dispatch.
  QuicDispatch(ListenerContext& context, QuicSocket& socket, QuicListener::Dependencies dependencies);
  // Closes all, as close_all() does.
  ~QuicDispatch();
  QuicDispatch(const QuicDispatch&) = delete;
  QuicDispatch& operator=(const QuicDispatch&) = delete;

  // Brings the datagram to where the drawing says. It is used during the call only.
  void receive(const UdpDatagram& datagram);
  // Takes the datagram if it is of a connection of this listener, or of one that has ended.
  bool receive_if_known(const UdpDatagram& datagram);
  // Brings it to another worker, or treats it as one that nobody knows. REQUIRES: receive_if_known() was false
  void receive_unknown(const UdpDatagram& datagram);
  // The socket has room again: wakes every connection that waits for it.
  void socket_writable();
  // For new connections from now on; the others keep what they began with.
  void use(CongestionControl control) { environment_.options.congestion_control = control; }
  // New connections are refused from now on, with CONNECTION_REFUSED.
  void refuse_new() { accepting_ = false; }
  // Whether clients of connections that have ended lately may still be told so.
  bool bids_farewell() const { return !farewells_.empty(); }
  // Every connection says goodbye and forgets this listener, which refuses new ones from now on.
  void close_all();

  // --- for connections ---

  const QuicEnvironment& environment() const { return environment_; }
  // Returns an id that no connection here has.
  QuicId make_id() const;
  // The id leads to this connection from now on; it is removed before the connection goes.
  void add(const ngtcp2_cid& id, QuicConnection& connection);
  void remove(const ngtcp2_cid& id);
  // The connection's flush() is called again, once, when the socket has room.
  void wait_for_room(QuicConnection& connection);
  void stop_waiting(QuicConnection& connection);
  // Takes over what is to be said to packets of a connection that has ended.
  void bid(QuicFarewell farewell) { farewells_.add(std::move(farewell)); }
  // A packet of somebody whose address is proven finds no room: it is dropped, and others are asked to go, ten times
  // a second at most. The client sends it again by itself.
  void no_room();
  // The handshake of a client with a proven address has ended, well or not, and that tells of the way to us.
  void handshake_succeeded();
  void handshake_failed(std::uint64_t prefix);
  // A connection that begins without a token counts as half open until its handshake is complete.
  HalfOpenCount& half_open() { return half_open_; }

 private:
  // Clients that find no room, and the connections that others are asked to close for them.
  struct Room {
    RoomMaker maker;
    Timer ask;
    MonotonicTime asked_at{};
    // Packets of clients that found none, since others were asked to make some.
    std::size_t waiting = 0;
  };
  // What a valid token proves.
  struct Validation {
    bool proven = false;
    // It claims to come from a Retry and is not valid.
    bool refused = false;
    ngtcp2_token_type type = NGTCP2_TOKEN_TYPE_UNKNOWN;
    ngtcp2_cid original_dcid{};
    // It is a QuicProbe of our own.
    bool probe = false;
  };

  // Returns the id of the connection; nothing if the datagram has none that we can read, and was answered or dropped.
  std::optional<std::span<const std::uint8_t>> read_id(const UdpDatagram& datagram);
  bool receive_if_known(const UdpDatagram& datagram, std::span<const std::uint8_t> id);
  void begin_or_drop(const UdpDatagram& datagram, std::span<const std::uint8_t> id);
  void unknown_long(const UdpDatagram& datagram);
  void unknown_short(const UdpDatagram& datagram, std::span<const std::uint8_t> id);
  void repeat_farewell(const UdpDatagram& datagram, const QuicId& id);
  // Returns true if the packet is another worker's and has gone there, or been dropped on its way.
  bool hand_over(const UdpDatagram& datagram, std::span<const std::uint8_t> id);
  void accept(const UdpDatagram& datagram, const ngtcp2_pkt_hd& head);
  Validation validate(const UdpDatagram& datagram, const ngtcp2_pkt_hd& head) const;
  void ask_for_room();
  // Whether a client without a token gets a Retry rather than a handshake.
  bool must_prove_itself(std::uint64_t prefix, const Address& client);
  void negotiate_version(const UdpDatagram& datagram, const ngtcp2_version_cid& ids);
  void retry(const UdpDatagram& datagram, const ngtcp2_pkt_hd& head);
  void refuse(const UdpDatagram& datagram, const ngtcp2_pkt_hd& head, std::uint64_t error);
  void reset(const UdpDatagram& datagram, std::span<const std::uint8_t> id);
  // Drops the answer if the socket is full: whoever waits for it asks again.
  void reply(const UdpDatagram& to, std::span<const std::uint8_t> packet);
  void drop() { environment_.context.counters.datagrams_dropped.add(); }

  QuicEnvironment environment_;
  std::shared_ptr<QuicGroup> group_;
  std::size_t worker_;
  std::function<bool(const UdpDatagram&)> others_;
  std::unordered_map<QuicId, QuicConnection*, QuicIdHash> ids_;
  QuicFarewells farewells_;
  HalfOpenCount half_open_;
  TokenBucket resets_;
  Room room_;
  // For room in the socket.
  std::unordered_set<QuicConnection*> waiting_;
  bool accepting_ = true;
};

// Returns the part of a client's address that half-open connections are counted by: a /24 or a /56.
std::uint64_t address_prefix(const UdpPath& path);

}  // namespace gatehouse
