// One worker's QUIC listener: takes datagrams from its socket, brings each to the connection that owns its connection
// id, or answers it without state (Version Negotiation, Retry, stateless reset), or accepts a new connection. Owned by
// the worker beside the TcpListener of the same address, with which it shares the ListenerContext; one loop's thread.
// Connections are owned by context.connections; draining and closing them happens there, drain() only stops new ones.
#pragma once

#include <cstddef>
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
    std::shared_ptr<QuicGroup> group;  // of QuicGroup::bind()
    std::size_t worker = 0;            // whose sockets[worker] this is
    QuicSecrets secrets;               // the same on every worker, and after a restart
    QuicOptions options;
  };

  // REQUIRES: context.tls
  QuicListener(ListenerContext& context, Fd socket, Dependencies dependencies);
  // Memory mode: what is sent goes to `sink`; what comes is passed to receive().
  QuicListener(ListenerContext& context, QuicSocket::Sink sink, const Address& local, Dependencies dependencies);
  ~QuicListener();
  QuicListener(const QuicListener&) = delete;
  QuicListener& operator=(const QuicListener&) = delete;

  bool alive() const { return alive_; }  // accepts connections: only then may Alt-Svc name it
  // Other workers' packets still come in here, or a connection of its own has ended a moment ago and its client may
  // not know yet.
  bool needed() const;
  void drain();  // new connections are refused from now on
  void close();  // CONNECTION_CLOSE to what is left, then the socket is shut; idempotent

  // A datagram for this worker, from its socket, from the group, or from a test.
  void receive(const UdpDatagram& datagram);

 private:
  void start(ListenerContext& context, Dependencies dependencies);
  QuicSocket::Events socket_events(ListenerCounters& counters);

  std::unique_ptr<QuicSocket> socket_;
  std::unique_ptr<QuicDispatch> dispatch_;
  std::shared_ptr<QuicGroup> group_;
  std::size_t worker_;
  bool alive_ = true;
};

}  // namespace gatehouse
