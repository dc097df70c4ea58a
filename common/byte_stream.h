// A two-way channel of bytes: TcpStream, TlsStream, and the memory stream of the tests. Owned by the connection that
// speaks on it; one loop's thread. Pull, not push: the user reads and writes when it likes, and is called only after it
// was told kWouldBlock (or at first), when trying again is worth while.
//
//   read():  kWouldBlock ---> on_readable() ---> read() until kWouldBlock, kEof or kBroken
//   write(): kWouldBlock ---> on_writable() ---> write() what is left
#pragma once

#include <cstddef>

#include "common/buffer.h"

namespace gatehouse {

enum class IoStatus {
  // Bytes have moved, and more may follow at once.
  kOk,
  // Nothing (more) can move now; the user will be called.
  kWouldBlock,
  // Only from read(): the other side has ended its half cleanly (TLS: by close_notify). We may still write.
  kEof,
  // The connection was reset, TLS failed, or it ended without close_notify: nothing will move in this direction again.
  // The other direction may break later: what had arrived before a write failed can still be read.
  kBroken,
};

struct IoResult {
  IoStatus status = IoStatus::kOk;
  // How many moved in this call, whatever the status.
  std::size_t bytes = 0;
};

class ByteStream {
 public:
  // Both calls come from the loop, never inside a call of the user's to the stream, and one at a time. Either may
  // destroy the stream or set another user.
  class User {
   public:
    // read() may return something new: bytes, an end or an error. Comes at most once for each time that read() has
    // returned kWouldBlock, and at most once for a user that was just set.
    virtual void on_readable() = 0;
    // All that write() took has left and there is room again, or writing is broken. Comes at most once for each time
    // that write() has returned kWouldBlock.
    virtual void on_writable() = 0;
    // The other side has ended its half, or the connection broke, though read() may have bytes to give out before it
    // says so: peer_status() tells which. Comes at most once for each of the two, after on_readable(), and only to who
    // follows_peer().
    virtual void on_peer_ended() {}
    // Asked when the user is set and when something comes: whoever leaves bytes unread for long, and has to know
    // whether there is still somebody for whom it works. It costs a system call now and then while bytes are unread.
    virtual bool follows_peer() const { return false; }

   protected:
    ~User() = default;
  };

  virtual ~ByteStream() = default;

  // Who is called from now on. The user outlives the stream or is unset first. Null: nobody is called; what comes is
  // noticed by the next user's read(). A user that leaves bytes unread of its own will must read again without being
  // called.
  virtual void set_user(User* user) = 0;

  // Appends up to `max` bytes to `into`. kOk only with bytes > 0. REQUIRES: max > 0
  virtual IoResult read(Buffer& into, std::size_t max) = 0;
  // Takes bytes off the front of `from`; kOk: it has taken all of them. A stream may keep taken bytes to itself until
  // the socket has room (TlsStream: one batch of records at most), and says kWouldBlock while it does.
  virtual IoResult write(Buffer& from) = 0;
  // Bytes taken by write() that have not reached the kernel.
  virtual std::size_t unsent() const = 0;
  // Ends our half after what was written, by close_notify and FIN as the kind has them. Best effort: it never blocks
  // and reports nothing. REQUIRES: nothing is written afterwards
  virtual void shutdown_write() = 0;
  // Whether the other side has sent something that read() has not given out yet, as far as this machine knows. For rare
  // questions: it may ask the kernel.
  virtual bool unread() const = 0;
  // How the other side stands, whatever is still unread: kOk, kEof once it has ended its half, kBroken. For rare
  // questions: it asks the kernel.
  virtual IoStatus peer_status() const = 0;
  // Makes the coming destruction abortive (RST rather than FIN), so that the other side cannot take it for a clean end.
  virtual void abort_on_close() = 0;
  // How many bytes are on the way: taken by write(), TLS's own included, and not yet acknowledged by the machine at the
  // other end (through a Unix socket: not yet read there, as the kernel counts its memory); 0 if that is not known. For
  // rare questions: it asks the kernel.
  virtual std::size_t unacknowledged() const = 0;
};

}  // namespace gatehouse
