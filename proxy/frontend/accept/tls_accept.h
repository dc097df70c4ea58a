// A client connection during its TLS handshake: counts how it ends, and becomes an H1Connection or an H2Connection as
// ALPN says (none offered: HTTP/1.1). Owned by the connection list; one loop's thread. A handshake that fails, or is
// not done within the handshake timeout, is counted by its reason and the connection closed.
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
  // `stream` is made with an SSL of context.tls. The handshake begins on its own, in a waker.
  TlsAccept(ListenerContext& context, std::unique_ptr<TlsStream> stream, Address peer, ConnectionPermit permit);
  ~TlsAccept() override;

  // What began before the listener closed is finished; the connection that it becomes drains.
  void drain() override {}
  Standing standing() const override { return Standing::kUnfinished; }
  bool unread() const override { return stream_->unread(); }
  void close_now() override { close(); }

 private:
  void on_readable() override { progress(); }
  void on_writable() override { progress(); }
  void progress();
  void on_timeout();
  // Counts the handshake and hands the stream, the permit and the contexts on to the codec.
  void succeed();
  // Counts the failure and closes.
  void fail(HandshakeFailure why);
  void close();

  ListenerContext& context_;
  std::unique_ptr<TlsStream> stream_;
  Address peer_;
  ConnectionPermit permit_;
  // Those that the stream's SSL is of: a reload may replace the context's.
  std::shared_ptr<const TlsContexts> contexts_;
  Waker progress_;
  Timer deadline_;
};

// Returns which counter a TlsStream::failure_reason() belongs to; kProtocol for a reason that has none of its own.
HandshakeFailure handshake_failure(std::string_view reason);

}  // namespace gatehouse
