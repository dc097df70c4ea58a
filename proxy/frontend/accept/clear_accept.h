// A cleartext client connection whose protocol is not known yet: on a listener that speaks both, the first bytes tell
// HTTP/1 from HTTP/2 with prior knowledge (RFC 9113 section 3.3). Becomes the one or the other, with what was read.
// Owned by the connection list; one loop's thread.
#pragma once

#include "common/timer.h"
#include "common/waker.h"
#include "proxy/frontend/client_transport.h"

namespace gatehouse {

class ClearAccept final : public ClientConnection, private ByteStream::User {
 public:
  ClearAccept(ListenerContext& context, ClientTransport transport);
  ~ClearAccept() override;

  // Makes the connection object for a cleartext client, this one only if it has to look first.
  static void begin(ListenerContext& context, ClientTransport transport);

  void drain() override;
  Standing standing() const override { return Standing::kUnfinished; }
  bool unread() const override { return transport_.stream->unread(); }
  void close_now() override { close(); }

 private:
  void on_readable() override { look(); }
  void on_writable() override {}
  void look();
  void become(Protocol protocol);
  void close();

  ListenerContext& context_;
  ClientTransport transport_;
  Buffer received_;
  Waker look_;
  Timer deadline_;
};

}  // namespace gatehouse
