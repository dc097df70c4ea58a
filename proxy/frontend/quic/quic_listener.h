// One worker's QUIC listener: takes datagrams from its socket, brings each to the connection that owns its connection
// id, or answers it without state (Version Negotiation, Retry, stateless reset), or accepts a new connection. Owned
// by a WorkerListener, with a ListenerContext of its own: TCP on the same address is another WorkerListener. One
// loop's thread. Connections are owned by context.connections; draining and closing them happens there, drain() only
// stops new ones.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

#include "common/fd.h"
#include "proxy/frontend/quic/quic_group.h"
#include "proxy/frontend/quic/quic_options.h"
#include "proxy/frontend/quic/quic_socket.h"
#include "proxy/frontend/quic/quic_tokens.h"

namespace gatehouse {

struct ListenerContext;
struct ListenerCounters;
class QuicDispatch;

class QuicListener {
 public:
  struct Dependencies {
    // Of QuicGroup::bind() or adopt(). Null: no other worker shares the address.
    std::shared_ptr<QuicGroup> group;
    // Whose sockets[worker] this is.
    std::size_t worker = 0;
    // The same on every worker, and after a restart.
    QuicSecrets secrets;
    QuicOptions options;
    // Asked of a datagram that is of no connection here and of no other worker: returns true if another listener has
    // taken it, which has this port for a while too (ListenerSockets). Null: there never is one.
    std::function<bool(const UdpDatagram&)> others = nullptr;
  };

  // Reads `socket`, or only sends by it where the group says that another worker reads (QuicGroup::reads()).
  // REQUIRES: context.tls; the context outlives the listener
  QuicListener(ListenerContext& context, Fd socket, Dependencies dependencies);
  // Memory mode: what is sent goes to `sink`; what comes is passed to receive().
  QuicListener(ListenerContext& context, QuicSocket::Sink sink, const Address& local, Dependencies dependencies);
  // Closes, as close() does.
  ~QuicListener();
  QuicListener(const QuicListener&) = delete;
  QuicListener& operator=(const QuicListener&) = delete;

  // Returns whether the listener must stay though it has no connection: other workers' packets still come in here, or
  // a connection of its own has ended a moment ago and its client may not know yet.
  bool needed() const;
  // For new connections from now on; the others keep what they began with.
  void use(CongestionControl control);
  // New connections are refused from now on. What runs goes on.
  void drain();
  // Sends CONNECTION_CLOSE to what is left and leaves the group; then the socket is closed. Idempotent.
  void close();

  // A datagram for this worker, from its socket, from the group, or from a test. Ignored after close().
  void receive(const UdpDatagram& datagram);
  // For what came in by the socket of another listener: takes it if it is of a connection of this one, or of one that
  // has ended lately.
  bool receive_if_known(const UdpDatagram& datagram);
  // Likewise, of a client that nobody knows yet. REQUIRES: receive_if_known() was false
  void receive_unknown(const UdpDatagram& datagram);

 private:
  void start(ListenerContext& context, Dependencies dependencies);
  QuicSocket::Events socket_events(ListenerCounters& counters);

  std::unique_ptr<QuicSocket> socket_;
  std::unique_ptr<QuicDispatch> dispatch_;
  std::shared_ptr<QuicGroup> group_;
  std::size_t worker_;
};

}  // namespace gatehouse
