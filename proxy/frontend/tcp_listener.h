// Accepts client connections on one listening socket (TCP or Unix) of one worker, in batches, and starts a connection
// object for each. Owned by the worker, with the ListenerContext that it fills; one loop's thread.
// Short of descriptors or permits it closes the connection that has been idle longest, else it rests for 100 ms with
// the backlog intact (FAULTS R01): it never spins and never accepts only to close.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>

#include "common/fd.h"
#include "common/io_watcher.h"
#include "common/timer.h"
#include "proxy/frontend/listener_context.h"

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
  enum class Outcome { kAccepted, kEmpty, kShort };

  void accept_batch(std::size_t limit);
  Outcome accept_one();
  bool somebody_waits() const;
  void make_room();
  void begin(Fd socket, const Address& peer, ConnectionPermit permit);

  ListenerContext& context_;
  Fd socket_;
  std::optional<IoWatcher> watcher_;
  Timer retry_;
  bool paused_ = false;
};

}  // namespace gatehouse
