// Makes one connection to an address. Owned by the UpstreamConnection that wants it, which also limits the time; one
// loop's thread. Destroying it gives up.
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
  // kConnectRefused, kConnectTimeout, kConnectFailed: the endpoint, or the way to it. kForeignListener: somebody else
  // listens there. kOutOfResources: our own machine had no descriptor, port or memory for it, which says nothing of the
  // endpoint.
  struct Failure {
    Fault fault;
    int error;  // errno; 0: none
  };
  using Outcome = std::expected<Fd, Failure>;

  // `done` is called once, from the loop, never from the constructor; it must not destroy the connector at once (retire
  // it). `address` outlives the connector. Where there is a `listening_user`, only a Unix socket on which that user
  // called listen() will do.
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
  Timer again_;  // while the backlog of a Unix socket is full
};

}  // namespace gatehouse
