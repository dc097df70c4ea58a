// A cleartext client connection whose protocol is not known yet: on a listener that speaks both, the first bytes tell
// HTTP/1 from HTTP/2 with prior knowledge (RFC 9113 section 3.3). Becomes the one or the other, with what was read.
// Owned by the connection list; one loop's thread. It ends without a word if no byte comes within the idle timeout,
// if what has come leaves it open for longer than the header timeout, or if the client closes before.
//
//   nothing, or a beginning of "PRI * HTTP/2.0" --> waits for more
//   all of it ------------------------------------> H2Connection
//   anything else --------------------------------> H1Connection
#pragma once

#include "common/timer.h"
#include "common/waker.h"
#include "proxy/frontend/client_transport.h"

namespace gatehouse {

class ClearAccept final : public ClientConnection, private ByteStream::User {
 public:
  // For begin(). It looks at the stream on its own, in a waker.
  ClearAccept(ListenerContext& context, ClientTransport transport);
  ~ClearAccept() override;

  // Makes the connection object for a cleartext client and adds it to the connections of `context`: this one only if
  // it has to look first.
  static void begin(ListenerContext& context, ClientTransport transport);

  // A client that has sent nothing yet has kOnlyRequestGrace left.
  void drain() override;
  Standing standing() const override { return Standing::kUnfinished; }
  bool unread() const override { return transport_.stream->unread(); }
  void close_now() override { close(); }

 private:
  void on_readable() override { look(); }
  void on_writable() override {}
  // Reads until the protocol is known, or nothing more is there.
  void look();
  void on_timeout();
  void become(Protocol protocol);
  void close();

  ListenerContext& context_;
  ClientTransport transport_;
  Buffer received_;
  Waker look_;
  Timer deadline_;
};

}  // namespace gatehouse
