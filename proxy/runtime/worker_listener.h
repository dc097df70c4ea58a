// One listener's TCP or QUIC side on one worker: its socket, what its connections share, and its end in three steps:
// drain (nothing new; what runs may finish), the deadline (what still runs is broken off), empty. Owned by its Worker;
// one loop's thread. A listener that speaks h1 or h2, and h3, has two of these on each worker.
//
//   accepting --drain()--> draining --close_now(), or the last connection ends--> empty: the worker retires it
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "common/event_loop.h"
#include "proxy/frontend/accept/tcp_listener.h"
#include "proxy/frontend/listener_context.h"
#include "proxy/frontend/quic/quic_listener.h"
#include "proxy/runtime/listener_sockets.h"
#include "proxy/runtime/snapshot.h"

namespace gatehouse {

class WorkerListener {
 public:
  // What it has of its worker; all of it outlives the listener.
  struct Dependencies {
    EventLoop& loop;
    ExchangeContext& exchanges;
    ListenerCounters& counters;
    const QuicSecrets& secrets;
    // The index of the worker, which QUIC writes into connection ids.
    std::size_t worker;
    // Of QUIC: a datagram that this listener does not know. Returns true if another one has taken it.
    std::function<bool(const WorkerListener&, const UdpDatagram&)> pass_on;
  };

  // Accepts from now on: QUIC where the socket comes with a group, else TCP.
  WorkerListener(const Dependencies& dependencies, const ListenerSnapshot& snapshot, WorkerSocket socket);

  // The same listener in a new configuration; connections go on and take it over with their next exchange. What a QUIC
  // connection agrees on at its begin, and its congestion control, new ones have.
  void adopt(const ListenerSnapshot& snapshot);
  // Nothing new is accepted from now on, and connections are told to end after what runs. A TCP socket is closed; a
  // QUIC socket is needed until empty().
  void drain();
  // The same, but a TCP socket goes on accepting until stop_accepting(), for those who are half way to it. What it
  // accepts is told to end as well.
  void give_way();
  void stop_accepting();
  // Gives the TCP socket away: nothing is accepted any more. REQUIRES: accepting()
  Fd release_socket() { return tcp_->release(); }
  // For QUIC datagrams that came in elsewhere; see QuicListener.
  bool receive_if_known(const UdpDatagram& datagram) { return quic_ && quic_->receive_if_known(datagram); }
  void receive_unknown(const UdpDatagram& datagram) { quic_->receive_unknown(datagram); }
  // Breaks off what still runs. empty() may become true only some turns later.
  void close_now();

  // Whether it is the QUIC or the TCP side of the listener of that name.
  bool is(const std::string& name, bool quic) const { return has_name(name) && quic == (quic_ != nullptr); }
  bool is_quic() const { return quic_ != nullptr; }
  // Where its socket is bound.
  const Address& address() const { return address_; }
  bool accepting() const { return tcp_ && !tcp_->closed(); }
  bool has_name(const std::string& name) const { return name_ == name; }
  // Whether the snapshot has this listener, with protocols for this side of it.
  bool wanted_by(const Snapshot& snapshot) const;
  bool draining() const { return context_.draining; }
  // No connection is left, none is accepted, and nobody needs the QUIC socket any more.
  bool empty() const { return context_.connections.size() == 0 && !accepting() && !(quic_ && quic_->needed()); }

 private:
  const std::string name_;
  const Address address_;
  ListenerContext context_;
  // One of the two.
  std::optional<TcpListener> tcp_;
  std::unique_ptr<QuicListener> quic_;
};

}  // namespace gatehouse
