// TLS on a TcpStream, by OpenSSL through a BIO of ours: socket reads land in one buffer of the thread (a connection
// keeps only a partial record), the records of one write() are gathered and leave in one send. Records start small (fit
// one segment) and grow to 16 KiB. An idle connection holds no buffer. Owned by its connection; one loop's thread.
//
// What the other side can make OpenSSL do is bounded: so many records a turn, and of those that carry no data
// (KeyUpdate, warnings, attempts to renegotiate, empty ones) so many in a row and so many per MiB of data. Beyond it
// nothing moves.
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
  using User = ByteStream::User;  // also the name of a base, hence ambiguous
  struct SslDeleter {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };
  using SslPtr = std::unique_ptr<SSL, SslDeleter>;
  enum class Handshake { kInProgress, kDone, kFailed };

  // Once the handshake is done: records in a row that may carry no data, and messages of TLS itself, of which so many
  // more are allowed for each MiB of data that has moved in either direction.
  static constexpr std::uint32_t kMostWithoutData = 32;
  static constexpr std::uint32_t kMostMessages = 32;

  // `ssl` is set up as server (or client) with its context; not yet connected to any BIO.
  TlsStream(EventLoop& loop, std::unique_ptr<TcpStream> socket, SslPtr ssl);
  ~TlsStream() override;

  // Goes on with the handshake as far as it can; kInProgress: the user's on_readable/on_writable say when to call
  // again. After kDone read at once: the first bytes may have come with the handshake (a user set later is called for
  // them).
  Handshake handshake();
  std::string failure_reason() const;  // after kFailed: short, from OpenSSL's error or "eof", "reset"

  // `told` is called once, from read(), when the other side has sent too much that carries no data: the stream is
  // broken.
  void on_excess(std::move_only_function<void()> told) { excess_ = std::move(told); }

  void set_user(User* user) override;
  IoResult read(Buffer& into, std::size_t max) override;
  IoResult write(Buffer& from) override;
  std::size_t unsent() const override;
  void shutdown_write() override;
  bool unread() const override;
  void abort_on_close() override { socket_->abort_on_close(); }

  SSL* ssl() const { return ssl_.get(); }
  int fd() const { return socket_->fd(); }

 private:
  struct State;  // what the BIO reads and writes: pending bytes in and out

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
  Waker notifier_;   // for a call to the user that cannot be made at once
  Timer next_turn_;  // for the records that had to wait for it
  std::move_only_function<void()> excess_;
  User* user_ = nullptr;
};

}  // namespace gatehouse
