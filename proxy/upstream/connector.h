// Makes one connection to an address, or to another one if nobody takes it there, TLS included where that is spoken. Owned by who wants it, which is an UpstreamConnection or the doctor, and who also
// limits the time: a connector by itself waits as long as the kernel does. One loop's thread. Destroying it gives up.
//
//   TCP          connect -> wait until writable -> the handshake is through, or why not -> the right listener?
//                -> the introduction, if any
//   Unix socket  connect -> the right listener? -> done; while the backlog is full: again after 5 ms
//   TLS          TCP, then handshake() whenever the stream says so, and never longer than there are bytes
#pragma once

#include <sys/types.h>

#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "common/address.h"
#include "common/byte_stream.h"
#include "common/crypto/tls_stream.h"
#include "common/fd.h"
#include "common/io_watcher.h"
#include "common/timer.h"
#include "common/waker.h"
#include "proxy/http/fault.h"
#include "proxy/upstream/endpoint_stream.h"

namespace gatehouse {

class EventLoop;
class TlsServer;

class Connector final : private ByteStream::User {
 public:
  // Where to connect, and how. What it refers to outlives the connector, and the connection.
  struct Target {
    const Address& address;
    // Tried if there is no connection to the first; null: nothing is.
    const Address* other = nullptr;
    // Who must have called listen() on the Unix socket, or have the other end of the TCP connection on this machine
    // (socket_owner.h); nothing: whoever does.
    std::optional<uid_t> listening_user;
    // Null: no TLS.
    TlsServer* tls = nullptr;
    // Sent before all else.
    std::string introduction{};
  };
  struct Failure {
    // kConnectRefused, kConnectTimeout, kConnectFailed: the endpoint, or the way to it. kForeignListener: somebody else
    // listens there. kOutOfResources: our own machine had no descriptor, port or memory for it, which says nothing of
    // the endpoint. is_upstream_tls(): the endpoint, or what stands between.
    Fault fault;
    // The errno; 0 where there is none (kForeignListener, TLS).
    int error;
    // Of TLS, in a few words, for the log.
    std::string why{};
  };
  // A connection, with keep-alive set for TCP, or why there is none.
  using Outcome = std::expected<EndpointStream, Failure>;

  // Begins to connect. `done` is called once, from the loop, never from the constructor; it must not destroy the
  // connector at once (retire it).
  Connector(EventLoop& loop, const Target& target, std::move_only_function<void(Outcome)> done);
  ~Connector();
  Connector(const Connector&) = delete;
  Connector& operator=(const Connector&) = delete;

  // Where it connects to, or has.
  const Address& address() const { return *at_; }
  // There is a connection, and its handshake is not done.
  bool shaking_hands() const { return tls_ != nullptr; }

 private:
  void on_readable() override { shake_hands(); }
  void on_writable() override { shake_hands(); }
  void begin();
  bool listens_by_right() const;
  void on_ready();
  void settle(std::optional<Failure> failure);
  bool try_other();
  void on_settled();
  // Returns 0, or the errno.
  int introduce() const;
  void shake_hands();

  EventLoop& loop_;
  const Target target_;
  // One of the target's.
  const Address* at_;
  std::move_only_function<void(Outcome)> done_;
  Fd socket_;
  // Connected, or failed.
  bool settled_ = false;
  std::optional<Failure> failure_;
  std::optional<IoWatcher> watcher_;
  std::unique_ptr<TlsStream> tls_;
  Waker waker_;
  // Armed while the backlog of a Unix socket is full.
  Timer again_;
};

}  // namespace gatehouse
