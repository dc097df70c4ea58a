// A client connection during its TLS handshake: counts how it ends, and becomes an H1Connection or an H2Connection as
// ALPN says (none offered: HTTP/1.1). Owned by the connection list; one loop's thread.
#pragma once

#include <memory>
#include <string_view>

#include "common/crypto/tls_stream.h"
#include "common/timer.h"
#include "common/waker.h"
#include "proxy/frontend/client_transport.h"

namespace gatehouse {

class TlsAccept final : public ClientConnection, private ByteStream::User {
 public:
  // `stream` is made with an SSL of context.tls.
  TlsAccept(ListenerContext& context, std::unique_ptr<TlsStream> stream, Address peer, ConnectionPermit permit);
  ~TlsAccept() override;

  void drain() override {}  // what began before the listener closed is finished
  Standing standing() const override { return Standing::kUnfinished; }
  bool unread() const override { return stream_->unread(); }
  void close_now() override { close(); }

 private:
  void on_readable() override { progress(); }
  void on_writable() override { progress(); }
  void progress();
  void on_timeout();
  void succeed();
  void fail(HandshakeFailure why);
  void close();

  ListenerContext& context_;
  std::unique_ptr<TlsStream> stream_;
  Address peer_;
  ConnectionPermit permit_;
  std::shared_ptr<const TlsContexts> contexts_;
  Waker progress_;
  Timer deadline_;
};

// Which counter a TlsStream::failure_reason() belongs to.
HandshakeFailure handshake_failure(std::string_view reason);

}  // namespace gatehouse
