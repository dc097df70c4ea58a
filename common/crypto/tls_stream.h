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

#include <cstdint>
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
  // kEarlyData: as kInProgress, and read() has bytes already.
  enum class Handshake { kInProgress, kEarlyData, kDone, kFailed };

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
  //
  // Of a server whose SSL takes early data: from kEarlyData on the user may read, which is what may be a replay until
  // the handshake is done, and write. It still has to go on with the handshake, whenever it is called.
  Handshake handshake();
  // After kFailed, or kBroken from read(): a few words of OpenSSL's, or "eof", "reset", "too much without data".
  std::string failure_reason() const;
  // After these: the number of the alert (RFC 8446 section 6) by which the other side has ended it; 0: there is none.
  int alert() const;

  // After kFailed: takes what came, if the other side speaks no TLS but began with a capital letter; else nothing.
  Buffer take_plain_text();
  // After kFailed, for whoever goes on without TLS. The stream can only be destroyed afterwards.
  std::unique_ptr<TcpStream> take_socket();

  // `told` is called at most once, inside read(), when the other side has sent too much that carries no data: that read
  // returns kBroken unless it has bytes. It must not destroy the stream.
  void on_excess(std::move_only_function<void()> told) { excess_ = std::move(told); }

  void set_user(User* user) override;
  IoResult read(Buffer& into, std::size_t max) override;
  IoResult write(Buffer& from) override;
  std::size_t unsent() const override;
  void shutdown_write() override;
  bool unread() const override;
  IoStatus peer_status() const override;
  void abort_on_close() override { socket_->abort_on_close(); }
  std::size_t unacknowledged() const override { return unsent() + socket_->unacknowledged(); }

  // As TcpStream::peek(), of what TLS makes of it: what is no data, such as a session ticket that comes late, is taken
  // in and is nothing. kOk: there is data, or a part of a record that may be, and the data may be lost: for streams on
  // which none may come.
  IoStatus peek();
  // Bytes that were made for the socket so far, TLS's own included: what unacknowledged() is a part of.
  std::uint64_t written() const;

  SSL* ssl() const { return ssl_.get(); }
  int fd() const { return socket_->fd(); }

 private:
  // The wire, and how far each direction is.
  struct State;

  void on_readable() override;
  void on_writable() override;
  void on_peer_ended() override {
    if (user_ != nullptr) user_->on_peer_ended();
  }
  bool follows_peer() const override { return user_ != nullptr && user_->follows_peer(); }
  void notify();
  IoResult decrypt(Buffer& into, std::size_t max);
  IoStatus encrypt_batch(Buffer& from, std::size_t& taken);
  IoStatus flush();
  int shake_hands();
  Handshake in_progress() const;
  Handshake establish();
  IoResult read_early(Buffer& into, std::size_t max);
  bool too_much_without_data() const;
  void begin_turn();
  bool has_all();
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
