// A two-way channel of bytes: TcpStream, TlsStream, and the memory stream of the tests. Owned by the connection that
// speaks on it; one loop's thread. Pull, not push: the user reads and writes when it likes, and is called only after it
// was told kWouldBlock (or at first), when trying again is worth while.
#pragma once

#include <cstddef>

#include "common/buffer.h"

namespace gatehouse {

enum class IoStatus {
  kOk,          // bytes moved; there may be more
  kWouldBlock,  // nothing (more) now; the user will be called
  kEof,         // read: the other side ended its half cleanly (TLS: close_notify)
  kBroken,      // reset, TLS error, or EOF without close_notify; nothing will ever move again
};

struct IoResult {
  IoStatus status = IoStatus::kOk;
  std::size_t bytes = 0;  // moved in this call, also with kWouldBlock
};

class ByteStream {
 public:
  class User {
   public:
    virtual void on_readable() = 0;  // read() may return something new: bytes, end or error
    virtual void on_writable() = 0;  // all that write() took has left, and there is room again

   protected:
    ~User() = default;
  };

  virtual ~ByteStream() = default;

  // The user outlives the stream or is unset first. Null: nobody is called; what comes is noticed by the next user's
  // read(). A user that leaves bytes unread at its own wish must read again without being called.
  virtual void set_user(User* user) = 0;

  // Appends up to `max` bytes to `into`. kOk only with bytes > 0.
  virtual IoResult read(Buffer& into, std::size_t max) = 0;
  // Takes bytes off the front of `from`; kOk: all of them taken. A stream may keep taken bytes to itself until the
  // socket has room (bounded: TlsStream, one gathered batch), and says kWouldBlock while it does.
  virtual IoResult write(Buffer& from) = 0;
  // Bytes taken by write() that have not reached the kernel.
  virtual std::size_t unsent() const = 0;
  // Ends our half after what was written: close_notify and FIN as the kind has them. Best effort, never blocks.
  virtual void shutdown_write() = 0;
  // Whether the other side has sent something that read() has not given out yet, as far as this machine knows. For rare
  // questions: it may ask the kernel.
  virtual bool unread() const = 0;
  // Makes the coming destruction abortive (RST rather than FIN), so that the other side cannot take it for a clean end.
  virtual void abort_on_close() = 0;
};

}  // namespace gatehouse
