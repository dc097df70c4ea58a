// Accepts client connections on one listening socket (TCP or Unix) of one worker, in batches, and starts a connection
// object for each. Owned by a WorkerListener, or by the admin page, beside the ListenerContext whose connections it
// adds to; one loop's thread. Short of descriptors or permits it has connections closed that have been idle longest
// (RoomMaker), and rests with the backlog intact until there is room. It never spins, and never accepts a client only
// to close it for want of room. A client beyond the limits of its address is accepted and reset.
//
//   socket readable --> accept_batch: up to 64 a turn --> begin_client, or ProxyAccept before it
//                           |
//                           +- backlog empty --------> waits for the next edge
//                           +- no permit, EMFILE ... -> rests 100 ms, or until a permit comes back
#pragma once

#include <cstddef>
#include <memory>
#include <optional>

#include "common/fd.h"
#include "common/io_watcher.h"
#include "common/timer.h"
#include "proxy/frontend/listener_context.h"
#include "proxy/frontend/room_maker.h"

namespace gatehouse {

class TcpListener {
 public:
  // `socket` listens and does not block. Clients that wait already are accepted in the next turn. REQUIRES: `context`
  // outlives the listener and has its budget, which is read here for good
  TcpListener(ListenerContext& context, Fd socket);
  TcpListener(const TcpListener&) = delete;
  TcpListener& operator=(const TcpListener&) = delete;

  // Accepts what already waits, as far as there is room, then closes the socket; connections that exist live on.
  // Idempotent.
  void close();
  // Gives the socket away with whoever waits at it, and is closed.
  Fd release();
  bool closed() const { return !socket_; }
  // -1 once it is closed.
  int fd() const { return socket_.get(); }

 private:
  // Of one attempt. kAccepted: look again, even if that client had gone or was refused.
  enum class Outcome { kAccepted, kEmpty, kNoRoom, kNoDescriptor };

  void look_again();
  void accept_batch(std::size_t limit);
  Outcome accept_one();
  // Whether the backlog has a client, which is asked before one is refused for want of a permit.
  bool somebody_waits() const;
  std::size_t waiting_clients() const;
  // Stops accepting for a while and asks for room.
  void rest(ConnectionRefusal why);
  void begin(Fd socket, const Address& peer, ConnectionPermit permit);

  ListenerContext& context_;
  Fd socket_;
  std::optional<IoWatcher> watcher_;
  Timer retry_;
  RoomMaker room_;
  // Until room comes, or retry_.
  bool resting_ = false;
};

}  // namespace gatehouse
