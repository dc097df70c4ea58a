// One listener's TCP or QUIC side on one worker: its socket, what its connections share, and its end in three steps:
// drain (nothing new; what runs may finish), the deadline (what still runs is broken off), empty. Owned by its Worker;
// one loop's thread.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "common/event_loop.h"
#include "proxy/frontend/accept/tcp_listener.h"
#include "proxy/frontend/listener_context.h"
#include "proxy/frontend/quic/quic_listener.h"
#include "proxy/runtime/listener_sockets.h"
#include "proxy/runtime/snapshot.h"

namespace gatehouse {

class WorkerListener {
 public:
  struct Dependencies {
    EventLoop& loop;
    ExchangeContext& exchanges;
    ListenerCounters& counters;
    const QuicSecrets& secrets;
    std::size_t worker;
  };

  WorkerListener(const Dependencies& dependencies, const ListenerSnapshot& snapshot, WorkerSocket socket);

  // The same listener in a new configuration; connections go on and take it over with their next exchange.
  void adopt(const ListenerSnapshot& snapshot);
  void drain();
  void close_now();

  bool is(const std::string& name, bool quic) const { return name_ == name && quic == (quic_ != nullptr); }
  bool wanted_by(const Snapshot& snapshot) const;
  bool draining() const { return context_.draining; }
  bool empty() const { return context_.connections.size() == 0 && !(quic_ && quic_->needed()); }

 private:
  const std::string name_;
  ListenerContext context_;
  std::optional<TcpListener> tcp_;
  std::unique_ptr<QuicListener> quic_;
};

}  // namespace gatehouse
