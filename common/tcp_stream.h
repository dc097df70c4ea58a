// A connected TCP or Unix stream socket as a ByteStream. Owned by its connection (or by the TlsStream on top of it).
// Reads into slabs directly; a short read is taken as would-block, so that a request costs one recv. While nobody has
// been told kWouldBlock on the write side, no call is made.
#pragma once

#include <sys/uio.h>

#include <span>

#include "common/byte_stream.h"
#include "common/fd.h"
#include "common/io_watcher.h"
#include "common/waker.h"

namespace gatehouse {

class EventLoop;

class TcpStream final : public ByteStream {
 public:
  TcpStream(EventLoop& loop, Fd socket);
  ~TcpStream() override;

  void set_user(User* user) override;
  IoResult read(Buffer& into, std::size_t max) override;
  IoResult write(Buffer& from) override;
  std::size_t unsent() const override { return 0; }
  void shutdown_write() override;
  bool unread() const override;
  void abort_on_close() override { abort_on_close_ = true; }

  // For TlsStream: recv/send on memory of its own, with the same accounting.
  IoResult read(char* into, std::size_t size);
  // For users that gather from several buffers and drop what was taken themselves: one send. kOk: all was taken.
  IoResult write(std::span<iovec> parts);
  // What the next read would say, asked of the socket itself and not of the poller, which may be late: one recv, that
  // takes nothing. kOk: bytes are waiting.
  IoStatus peek();
  // How many bytes of those written the peer's machine has not acknowledged yet. REQUIRES: TCP
  std::size_t unacknowledged() const;
  int fd() const { return socket_.get(); }
  int last_error() const { return last_error_; }  // errno of the first call that returned kBroken

 private:
  struct Half {
    bool ready = true;    // the last recv did not run dry, the last send did not fill the socket
    bool wanted = false;  // the user waits to be called
    bool broken = false;
  };
  IoResult read_bulk(Buffer& into, std::size_t max);
  IoResult receive(std::span<iovec> vectors);
  IoResult read_would_block();
  IoResult break_reading(int error);
  std::size_t send(std::span<iovec> parts, std::size_t asked);
  void on_ready(IoEvents events);
  void notify();

  Fd socket_;
  IoWatcher watcher_;
  Waker notifier_;  // for a call to the user that cannot be made at once
  User* user_ = nullptr;
  Half in_;
  Half out_;  // may break alone: what has arrived can still be read
  int last_error_ = 0;
  bool abort_on_close_ = false;
  bool peer_closed_ = false;  // FIN seen by the poller: read until EOF
  bool edge_unseen_ = false;  // readable again since the last read()
  bool bulk_ = false;         // the last recv filled its room: give it more
};

}  // namespace gatehouse
