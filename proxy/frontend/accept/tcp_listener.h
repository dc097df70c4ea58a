// Accepts client connections on one listening socket (TCP or Unix) of one worker, in batches, and starts a connection
// object for each. Owned by the worker, with the ListenerContext that it fills; one loop's thread.
// Short of descriptors or permits it has connections closed that have been idle longest (RoomMaker), and rests with the
// backlog intact until there is room: it never spins, and lets nobody in only for want of room to close it.
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
  TcpListener(ListenerContext& context, Fd socket);
  TcpListener(const TcpListener&) = delete;
  TcpListener& operator=(const TcpListener&) = delete;

  // Accepts what already waits, then closes the socket; connections that exist live on.
  void close();
  void pause();  // the backlog waits
  void resume();
  bool closed() const { return !socket_; }
  int fd() const { return socket_.get(); }

 private:
  enum class Outcome { kAccepted, kEmpty, kNoRoom, kNoDescriptor };

  void look_again();
  void accept_batch(std::size_t limit);
  Outcome accept_one();
  bool somebody_waits() const;
  std::size_t waiting_clients() const;
  void rest(ConnectionRefusal why);
  void begin(Fd socket, const Address& peer, ConnectionPermit permit);

  ListenerContext& context_;
  Fd socket_;
  std::optional<IoWatcher> watcher_;
  Timer retry_;
  RoomMaker room_;
  bool paused_ = false;
  bool resting_ = false;  // until room comes, or retry_
};

}  // namespace gatehouse
