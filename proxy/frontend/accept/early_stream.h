// The stream of a connection whose client sent early data (0-RTT, RFC 8446 section 2.3): the codec has it before the
// handshake is done, and reads and writes while the rest of it goes on in here, within the handshake timeout. Counts
// how it ends; one that fails breaks the stream. From then on it passes everything through. Owned by the connection,
// as its stream; one loop's thread.
//
//   codec --read, write--> EarlyStream --read, write, handshake until it is done--> TlsStream
#pragma once

#include <memory>

#include "common/clock.h"
#include "common/crypto/tls_stream.h"
#include "common/timer.h"
#include "proxy/frontend/listener_context.h"
#include "proxy/http/protocol.h"

namespace gatehouse {

class EarlyStream final : public ByteStream, private ByteStream::User {
 public:
  // Named again because it is also the name of a base, and would be ambiguous.
  using User = ByteStream::User;

  // `tls` has early data to read, and its handshake has to be done by `deadline`. `protocol` is what ALPN has chosen.
  EarlyStream(ListenerContext& context, std::unique_ptr<TlsStream> tls, Protocol protocol, MonotonicTime deadline);
  ~EarlyStream() override;

  // Whether the handshake is not done yet, so that what is read may be a replay. Lives as long as the stream.
  const bool& pending() const { return pending_; }

  void set_user(User* user) override;
  IoResult read(Buffer& into, std::size_t max) override;
  IoResult write(Buffer& from) override;
  std::size_t unsent() const override { return tls_->unsent(); }
  void shutdown_write() override { tls_->shutdown_write(); }
  bool unread() const override { return tls_->unread(); }
  IoStatus peer_status() const override { return tls_->peer_status(); }
  void abort_on_close() override { tls_->abort_on_close(); }
  std::size_t unacknowledged() const override { return tls_->unacknowledged(); }

 private:
  // What the codec waits to be called for.
  struct Waits {
    bool read = true;
    bool write = false;
  };

  void on_readable() override;
  void on_writable() override;
  void on_peer_ended() override;
  bool follows_peer() const override { return user_ != nullptr && user_->follows_peer(); }
  bool progress();
  void fail(HandshakeFailure why);
  void on_timeout();

  ListenerContext& context_;
  std::unique_ptr<TlsStream> tls_;
  Protocol protocol_;
  Timer deadline_;
  User* user_ = nullptr;
  Waits waits_;
  bool pending_ = true;
};

}  // namespace gatehouse
