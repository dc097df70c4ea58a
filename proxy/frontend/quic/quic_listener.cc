#include "proxy/frontend/quic/quic_listener.h"

#include <utility>

#include <ngtcp2/ngtcp2_crypto_ossl.h>

#include "proxy/frontend/listener_context.h"
#include "proxy/frontend/quic/quic_dispatch.h"

namespace gatehouse {

QuicListener::QuicListener(ListenerContext& context, Fd socket, Dependencies dependencies)
    : socket_(std::make_unique<QuicSocket>(context.loop, std::move(socket), socket_events(context.counters),
                                           dependencies.group && !dependencies.group->reads(dependencies.worker)
                                               ? QuicSocket::Duty::kSends
                                               : QuicSocket::Duty::kSendsAndReceives)),
      group_(dependencies.group),
      worker_(dependencies.worker) {
  start(context, std::move(dependencies));
}

QuicListener::QuicListener(ListenerContext& context, QuicSocket::Sink sink, const Address& local,
                           Dependencies dependencies)
    : socket_(std::make_unique<QuicSocket>(context.loop, std::move(sink), local, socket_events(context.counters))),
      group_(dependencies.group),
      worker_(dependencies.worker) {
  start(context, std::move(dependencies));
}

QuicListener::~QuicListener() {
  close();
}

QuicSocket::Events QuicListener::socket_events(ListenerCounters& counters) {
  return {.datagram =
              [this, &counters](const UdpDatagram& datagram) {
                counters.datagrams_received.add();
                receive(datagram);
              },
          .writable = [this] { dispatch_->socket_writable(); }};
}

void QuicListener::start(ListenerContext& context, Dependencies dependencies) {
  [[maybe_unused]] static const int kPrepared = ngtcp2_crypto_ossl_init();  // fetches algorithms once: only faster
  dispatch_ = std::make_unique<QuicDispatch>(context, *socket_, std::move(dependencies));
  if (group_) group_->join(worker_, context.loop, *this);
}

void QuicListener::receive(const UdpDatagram& datagram) {
  if (dispatch_) dispatch_->receive(datagram);
}

bool QuicListener::needed() const {
  return dispatch_ && (dispatch_->bids_farewell() || (group_ && group_->relies_on(worker_)));
}

void QuicListener::use(CongestionControl control) {
  if (dispatch_) dispatch_->use(control);
}

void QuicListener::drain() {
  if (dispatch_) dispatch_->refuse_new();
}

void QuicListener::close() {
  drain();
  if (!dispatch_) return;
  if (group_) group_->leave(worker_);
  dispatch_.reset();
  socket_.reset();
}

}  // namespace gatehouse
