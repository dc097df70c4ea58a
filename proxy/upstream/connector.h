// Makes one connection to an address. Owned by who wants it, which is an UpstreamConnection or the doctor, and who also
// limits the time: a connector by itself waits as long as the kernel does. One loop's thread. Destroying it gives up.
//
//   TCP          connect -> wait until writable -> the handshake is through, or why not
//   Unix socket  connect -> the right listener? -> done; while the backlog is full: again after 5 ms
#pragma once

#include <sys/types.h>

#include <expected>
#include <functional>
#include <optional>

#include "common/address.h"
#include "common/fd.h"
#include "common/io_watcher.h"
#include "common/timer.h"
#include "common/waker.h"
#include "proxy/http/fault.h"

namespace gatehouse {

class EventLoop;

class Connector {
 public:
  struct Failure {
    // kConnectRefused, kConnectTimeout, kConnectFailed: the endpoint, or the way to it. kForeignListener: somebody else
    // listens there. kOutOfResources: our own machine had no descriptor, port or memory for it, which says nothing of
    // the endpoint.
    Fault fault;
    // The errno; 0 where there is none (kForeignListener).
    int error;
  };
  // A connected, non-blocking socket, with keep-alive set for TCP, or why there is none.
  using Outcome = std::expected<Fd, Failure>;

  // Begins to connect. `done` is called once, from the loop, never from the constructor; it must not destroy the
  // connector at once (retire it). `address` outlives the connector. Where there is a `listening_user`, only a Unix
  // socket on which that user called listen() will do.
  Connector(EventLoop& loop, const Address& address, std::optional<uid_t> listening_user,
            std::move_only_function<void(Outcome)> done);

 private:
  void begin();
  bool listens_by_right() const;
  void on_ready();
  void settle(Outcome outcome);

  EventLoop& loop_;
  const Address& address_;
  const std::optional<uid_t> listening_user_;
  std::move_only_function<void(Outcome)> done_;
  Fd socket_;
  std::optional<Outcome> outcome_;
  std::optional<IoWatcher> watcher_;
  Waker settled_;
  // Armed while the backlog of a Unix socket is full.
  Timer again_;
};

}  // namespace gatehouse
