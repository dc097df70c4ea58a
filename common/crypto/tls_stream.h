// TLS on a TcpStream, by OpenSSL through a BIO of ours (TlsWire): socket reads land in one buffer of the thread (a
// connection keeps only a partial record), the records of one write() are gathered and leave in one send. Records start
// small (fit one segment), grow to 16 KiB, and start small again after a second without a write. An idle connection
// holds no buffer. Owned by TlsAccept until the handshake is done, then by the connection; one loop's thread.
//
//   user --write()--> SSL --records--> TlsWire, up to 64 KiB --one send--> TcpStream
//   user <--read()--- SSL <--records-- TlsWire, the thread's buffer <----- TcpStream
//
// What the other side can make OpenSSL do is bounded: so many records before the loop gets on, and of those that carry
// no data (KeyUpdate, warnings, attempts to renegotiate, empty ones) so many in a row and so many per MiB of data. Who
// sends more has broken the stream.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <openssl/ssl.h>

#include "common/byte_stream.h"
#include "common/tcp_stream.h"
#include "common/timer.h"
#include "common/waker.h"

namespace gatehouse {

class TlsStream final : public ByteStream, private ByteStream::User {
 public:
  // Named again because it is also the name of a base, and would be ambiguous.
  using User = ByteStream::User;
  struct SslDeleter {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };
  using SslPtr = std::unique_ptr<SSL, SslDeleter>;
  enum class Handshake { kInProgress, kDone, kFailed };

  // Once the handshake is done: how many records in a row may carry no data, and how many messages of TLS itself may
  // come, of which as many more are allowed for each MiB of data that has moved in either direction.
  static constexpr std::uint32_t kMostWithoutData = 32;
  static constexpr std::uint32_t kMostMessages = 32;

  // REQUIRES: `ssl` is set up as server (or client) with its context, and not connected to a BIO yet
  TlsStream(EventLoop& loop, std::unique_ptr<TcpStream> socket, SslPtr ssl);
  ~TlsStream() override;

  // Goes on with the handshake as far as it can; kInProgress: the user's on_readable() and on_writable() say when to
  // call again. After kDone read at once: the first bytes may have come with the handshake (a user that is set later
  // is called for them).
  Handshake handshake();
  // After kFailed, or kBroken from read(): a few words of OpenSSL's, or "eof", "reset", "too much without data".
  std::string failure_reason() const;

  // `told` is called at most once, inside read(), when the other side has sent too much that carries no data: that read
  // returns kBroken unless it has bytes. It must not destroy the stream.
  void on_excess(std::move_only_function<void()> told) { excess_ = std::move(told); }

  void set_user(User* user) override;
  IoResult read(Buffer& into, std::size_t max) override;
  IoResult write(Buffer& from) override;
  std::size_t unsent() const override;
  void shutdown_write() override;
  bool unread() const override;
  void abort_on_close() override { socket_->abort_on_close(); }
  std::size_t unacknowledged() const override { return unsent() + socket_->unacknowledged(); }

  SSL* ssl() const { return ssl_.get(); }
  int fd() const { return socket_->fd(); }

 private:
  // The wire, and how far each direction is.
  struct State;

  void on_readable() override;
  void on_writable() override;
  void notify();
  IoResult decrypt(Buffer& into, std::size_t max);
  IoStatus encrypt_batch(Buffer& from, std::size_t& taken);
  IoStatus flush();
  bool too_much_without_data() const;
  void begin_turn();
  bool asks_again();
  void go_on();
  void fail(int ssl_error);
  void fail_for_excess();
  static void on_message(int written, int version, int type, const void* bytes, std::size_t size, SSL* ssl, void* self);

  EventLoop& loop_;
  std::unique_ptr<TcpStream> socket_;
  std::unique_ptr<State> state_;
  SslPtr ssl_;
  // For a call to the user that cannot be made at once.
  Waker notifier_;
  // For the records that had to wait.
  Timer next_turn_;
  std::move_only_function<void()> excess_;
  User* user_ = nullptr;
};

}  // namespace gatehouse
