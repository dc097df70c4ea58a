// A connected TCP or Unix stream socket as a ByteStream. Owned by its connection (or by the TlsStream on top of it), on
// the loop's thread. Reads into slabs directly; a short read is taken as would-block, so that a request costs one recv.
// It keeps no bytes: what write() takes is the kernel's at once.
//
// The two directions break apart: after a failed write, what has arrived can still be read.
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
  // REQUIRES: `socket` is connected and does not block
  TcpStream(EventLoop& loop, Fd socket);
  // Closes the socket: with FIN, or with RST after abort_on_close() or if bytes are unread.
  ~TcpStream() override;

  void set_user(User* user) override;
  IoResult read(Buffer& into, std::size_t max) override;
  IoResult write(Buffer& from) override;
  std::size_t unsent() const override { return 0; }
  void shutdown_write() override;
  bool unread() const override;
  IoStatus peer_status() const override;
  void abort_on_close() override { abort_on_close_ = true; }
  std::size_t unacknowledged() const override;

  // As the read() above, but into the caller's memory: for TlsStream, which has one buffer for the thread.
  IoResult read(char* into, std::size_t size);
  // For users that gather from several buffers and drop what was taken themselves: one send. kOk: all was taken. On
  // kWouldBlock the result has the bytes that went out before.
  IoResult write(std::span<iovec> parts);
  // Returns what the next read would, asked of the socket itself and not of the poller, which may be late: one recv
  // that takes nothing. kOk: bytes are waiting.
  IoStatus peek();
  // Whether a read would find nothing, as far as is known without asking the system; the user is called when that
  // changes, as after such a read.
  bool dry();
  int fd() const { return socket_.get(); }
  // The errno of the first call that failed for good; 0: none has.
  int last_error() const { return last_error_; }

 private:
  struct Half {
    // The last recv did not run dry, the last send did not fill the socket.
    bool ready = true;
    // The user waits to be called.
    bool wanted = false;
    bool broken = false;
  };
  IoResult read_bulk(Buffer& into, std::size_t max);
  IoResult receive(std::span<iovec> vectors);
  IoResult read_would_block();
  IoResult break_reading(int error);
  std::size_t send(std::span<iovec> parts, std::size_t asked);
  void on_ready(IoEvents events);
  bool ends_unread(IoEvents events) const;
  void notify();

  Fd socket_;
  IoWatcher watcher_;
  // For a call to the user that cannot be made at once.
  Waker notifier_;
  User* user_ = nullptr;
  Half in_;
  Half out_;
  int last_error_ = 0;
  bool abort_on_close_ = false;
  // The poller has seen a FIN: short reads say nothing, read until the end.
  bool peer_closed_ = false;
  // The user, who follows the peer, has not been told of its end.
  bool end_untold_ = false;
  // The socket has become readable since the last read().
  bool edge_unseen_ = false;
  // The last recv filled its room: the next one gets several slabs.
  bool bulk_ = false;
};

}  // namespace gatehouse
