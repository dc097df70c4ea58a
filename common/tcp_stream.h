// A connected TCP or Unix stream socket as a ByteStream. Owned by its connection (or by the TlsStream on top of it).
// Reads into slabs directly; a short read is taken as would-block, so that a request costs one recv. While nobody has
// been told kWouldBlock on the write side, no call is made.
#pragma once

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
  void abort_on_close() override { abort_on_close_ = true; }

  // For TlsStream: recv/send on memory of its own, with the same accounting.
  IoResult read(char* into, std::size_t size);
  int fd() const { return socket_.get(); }
  int last_error() const { return last_error_; }  // errno of the call that returned kBroken

 private:
  void on_ready(IoEvents events);

  Fd socket_;
  IoWatcher watcher_;
  User* user_ = nullptr;
  bool readable_ = true;      // the last recv did not run dry
  bool peer_closed_ = false;  // FIN seen by the poller: read until EOF
  bool want_write_ = false;
  bool abort_on_close_ = false;
  int last_error_ = 0;
};

}  // namespace gatehouse
