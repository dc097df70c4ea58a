// The end of a client connection whose last answer must arrive: sends what is left, then FIN, then reads and drops
// what the client still sends, so that closing does not become a reset that destroys the answer (RFC 9112 section
// 9.6): a client that writes all of its request first has to get that far. Owned by the connection list; one loop's
// thread. The client's permit is kept until it has ended, and it may have to make room for others.
//
//   send (while the client moves), FIN --> drop what comes (linger_timeout in all; 5 s without a byte) --> closed
//   any error, the client's end, or a deadline --------------------------------------------------------> closed
//   the client stalls -------------------------------------------> reset: the answer is incomplete
#pragma once

#include "common/timer.h"
#include "common/waker.h"
#include "proxy/frontend/client_transport.h"
#include "proxy/http/exchange/stall_watch.h"

namespace gatehouse {

class LingeringClose final : public ClientConnection, private ByteStream::User {
 public:
  // Takes the stream over from a connection that ends itself, and adds itself to the connections of `context`.
  // `unsent` are the bytes that the stream has not taken yet. The caller has unset itself as the stream's user.
  static void begin(ListenerContext& context, ClientTransport transport, Buffer unsent);

  // For begin(). The work begins on its own, in a waker.
  LingeringClose(ListenerContext& context, ClientTransport transport, Buffer unsent);
  ~LingeringClose() override;

  // What still comes gets a second more.
  void drain() override;
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
  // Begins the time without a byte anew.
  void wait_for_more();
  void close();

  ListenerContext& context_;
  ClientTransport transport_;
  Buffer unsent_;
  // FIN has been sent.
  bool shut_ = false;
  // After FIN: when it is over, whatever comes.
  MonotonicTime last_{};
  Waker progress_;
  StallWatch stall_;
  Timer deadline_;
  // The next turn's share of what is dropped.
  Timer again_;
};

}  // namespace gatehouse
