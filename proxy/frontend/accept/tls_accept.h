// A client connection during its TLS handshake: counts how it ends, and becomes an H1Connection or an H2Connection as
// ALPN says (none offered: HTTP/1.1), at once when early data has come. Owned by the connection list; one loop's thread. A handshake that fails, or is
// not done within the handshake timeout, is counted by its reason and the connection closed. A client that begins with
// a method instead of a handshake becomes an H1Connection without TLS that tells it so.
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

  // A PROXY header came before the handshake, and took some of its time.
  void came_by_proxy(std::shared_ptr<const ProxyHeaderNotes> notes, Duration spent);

  // What began before the listener closed is finished; the connection that it becomes drains.
  void drain() override {}
  Standing standing() const override { return Standing::kUnfinished; }
  bool unread() const override { return stream_->unread(); }
  void close_now() override { close(); }

 private:
  void on_readable() override { progress(); }
  void on_writable() override { progress(); }
  void progress();
  void on_failed();
  void on_timeout();
  // Hands the stream, the permit and the contexts on to the codec. With early data the handshake is not done yet, and
  // an EarlyStream goes on with it.
  void hand_on(bool early);
  // The client speaks HTTP without TLS, and has said `received`.
  void turn_away(Buffer received);
  // The client's certificate does not do: counts that, and closes once the client has heard of it.
  void refuse(HandshakeFailure why);
  // Counts the failure and closes.
  void fail(HandshakeFailure why);
  void close();

  ListenerContext& context_;
  std::unique_ptr<TlsStream> stream_;
  Address peer_;
  ConnectionPermit permit_;
  std::shared_ptr<const ProxyHeaderNotes> proxied_;
  // Those that the stream's SSL is of: a reload may replace the context's.
  std::shared_ptr<const TlsContexts> contexts_;
  Waker progress_;
  // Until when the handshake has time.
  MonotonicTime ends_;
  Timer deadline_;
};

// Returns which counter a TlsStream::failure_reason() belongs to; kProtocol for a reason that has none of its own.
HandshakeFailure handshake_failure(std::string_view reason);

// REQUIRES: the handshake of `ssl` is done
void count_handshake(ListenerContext& context, const SSL* ssl, Protocol protocol);

}  // namespace gatehouse
