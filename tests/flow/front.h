// The proxy's client half without sockets: one listener that speaks h1 and h2 on memory streams and h3 on datagrams in
// memory, as a worker would have it. Owned by the test's world; one thread.
#pragma once

#include <memory>
#include <vector>

#include "common/event_loop.h"
#include "proxy/frontend/listener_context.h"
#include "proxy/frontend/quic/quic_listener.h"
#include "tests/support/h3_client.h"
#include "tests/support/memory_stream.h"

namespace gatehouse::flow {

class Front {
 public:
  static constexpr std::size_t kStreamRoom =
      64UL * 1024;  // on the way between client and proxy, and unread by a client
  static constexpr std::string_view kClientAddress = "192.0.2.7";

  Front(const Clock& clock, EventLoop& loop, ExchangeContext& exchanges, std::shared_ptr<const ListenerPolicy> policy);
  ~Front();

  std::unique_ptr<testing_support::MemoryStream> connect(Protocol protocol);
  std::shared_ptr<testing_support::H3Client> connect_quic();

  void drain();
  void close_now() { context_.connections.close_all(); }
  std::size_t connections() const { return context_.connections.size(); }

 private:
  void to_clients(const UdpDatagram& datagram);

  const Clock& clock_;
  ListenerCounters counters_;
  ListenerContext context_;
  std::unique_ptr<QuicListener> quic_;
  std::vector<std::weak_ptr<testing_support::H3Client>> quic_clients_;
};

}  // namespace gatehouse::flow
