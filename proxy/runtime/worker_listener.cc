#include "proxy/runtime/worker_listener.h"

#include <utility>

#include "proxy/frontend/tls/tls_contexts.h"

namespace gatehouse {

WorkerListener::WorkerListener(const Dependencies& dependencies, const ListenerSnapshot& snapshot, WorkerSocket socket)
    : name_(snapshot.name),
      address_(Address::local_of(socket.socket.get())),
      context_{.loop = dependencies.loop,
               .exchanges = dependencies.exchanges,
               .policy = snapshot.policy,
               .tls = snapshot.tls,
               .counters = dependencies.counters,
               .connections = ConnectionList(dependencies.loop),
               .speaks_h1 = snapshot.speaks_h1,
               .speaks_h2 = snapshot.speaks_h2,
               .draining = false,
               .budget = snapshot.budget} {
  if (socket.group) {
    auto others = [this, pass_on = dependencies.pass_on](const UdpDatagram& datagram) {
      return pass_on(*this, datagram);
    };
    quic_ = std::make_unique<QuicListener>(context_, std::move(socket.socket),
                                           QuicListener::Dependencies{.group = std::move(socket.group),
                                                                      .worker = dependencies.worker,
                                                                      .secrets = dependencies.secrets,
                                                                      .options = snapshot.quic,
                                                                      .others = std::move(others)});
  } else {
    tcp_.emplace(context_, std::move(socket.socket));
  }
}

void WorkerListener::adopt(const ListenerSnapshot& snapshot) {
  context_.policy = snapshot.policy;
  const std::shared_ptr<const TlsContexts> former = std::exchange(context_.tls, snapshot.tls);
  context_.speaks_h1 = snapshot.speaks_h1;
  context_.speaks_h2 = snapshot.speaks_h2;
  if (quic_) quic_->use(snapshot.quic.congestion_control);
  // Their next request is misdirected; so that clients come by a new connection before they ask.
  if (context_.tls && !context_.tls->lets_in_all_of(former.get())) context_.connections.drain_all();
}

bool WorkerListener::wanted_by(const Snapshot& snapshot) const {
  for (const ListenerSnapshot& listener : snapshot.listeners) {
    if (listener.name == name_) return quic_ ? listener.speaks_h3 : listener.uses_tcp();
  }
  return false;
}

void WorkerListener::drain() {
  context_.draining = true;
  stop_accepting();
  give_way();
}

void WorkerListener::stop_accepting() {
  if (tcp_) tcp_->close();
}

void WorkerListener::give_way() {
  context_.draining = true;
  if (quic_) quic_->drain();
  context_.connections.drain_all();
}

void WorkerListener::close_now() {
  stop_accepting();
  context_.connections.close_all();
  if (quic_) quic_->close();
}

}  // namespace gatehouse
