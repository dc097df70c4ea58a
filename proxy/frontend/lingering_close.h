// The end of a client connection whose last answer must arrive: sends what is left, then FIN, then reads and drops what
// the client still sends (for a second, at most 64 MiB) so that closing does not become a reset that destroys the
// answer (RFC 9112 section 9.6). Owned by the connection list; one loop's thread.
#pragma once

#include "common/timer.h"
#include "common/waker.h"
#include "proxy/frontend/client_transport.h"

namespace gatehouse {

class LingeringClose final : public ClientConnection, private ByteStream::User {
 public:
  // Takes the stream over from a connection that ends itself.
  static void begin(ListenerContext& context, ClientTransport transport, Buffer unsent);

  LingeringClose(ListenerContext& context, ClientTransport transport, Buffer unsent);
  ~LingeringClose() override;

  void drain() override {}
  Standing standing() const override { return shut_ ? Standing::kUnfinished : Standing::kServing; }
  bool unread() const override { return false; }  // what still comes is dropped
  void close_now() override { close(); }

 private:
  void on_readable() override { progress(); }
  void on_writable() override { progress(); }
  void progress();
  bool send();
  void close();

  ListenerContext& context_;
  ClientTransport transport_;
  Buffer unsent_;
  std::size_t dropped_ = 0;
  bool shut_ = false;
  Waker progress_;
  Timer deadline_;
  Timer again_;  // the next turn's share of what is dropped
};

}  // namespace gatehouse
