// The end of a client connection whose last answer must arrive: sends what is left, then FIN, then reads and drops
// what the client still sends (for a second, at most 64 MiB) so that closing does not become a reset that destroys
// the answer (RFC 9112 section 9.6). Owned by the connection list; one loop's thread. The client's permit is kept
// until it has ended.
//
//   send (while the client moves), FIN --> drop what comes (1 s) --> closed
//   any error, the client's end, or the deadline ----------------> closed
//   the client stalls -------------------------------------------> reset: the answer is incomplete
#pragma once

#include "common/timer.h"
#include "common/waker.h"
#include "proxy/frontend/client_transport.h"
#include "proxy/http/stall_watch.h"

namespace gatehouse {

class LingeringClose final : public ClientConnection, private ByteStream::User {
 public:
  // Takes the stream over from a connection that ends itself, and adds itself to the connections of `context`.
  // `unsent` are the bytes that the stream has not taken yet. The caller has unset itself as the stream's user.
  static void begin(ListenerContext& context, ClientTransport transport, Buffer unsent);

  // For begin(). The work begins on its own, in a waker.
  LingeringClose(ListenerContext& context, ClientTransport transport, Buffer unsent);
  ~LingeringClose() override;

  // It ends soon by itself.
  void drain() override {}
  Standing standing() const override { return shut_ ? Standing::kUnfinished : Standing::kServing; }
  // What still comes is dropped.
  bool unread() const override { return false; }
  void close_now() override { close(); }

 private:
  void on_readable() override { progress(); }
  void on_writable() override { progress(); }
  void progress();
  bool send();
  void on_stalled();
  void close();

  ListenerContext& context_;
  ClientTransport transport_;
  Buffer unsent_;
  // Bytes read in vain.
  std::size_t dropped_ = 0;
  // FIN has been sent.
  bool shut_ = false;
  Waker progress_;
  StallWatch stall_;
  Timer deadline_;
  // The next turn's share of what is dropped.
  Timer again_;
};

}  // namespace gatehouse
