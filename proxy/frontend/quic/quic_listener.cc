#include "proxy/frontend/quic/quic_listener.h"

#include <netinet/in.h>

#include <cstring>
#include <utility>

#include <ngtcp2/ngtcp2_crypto_ossl.h>

#include "proxy/frontend/listener_context.h"
#include "proxy/frontend/quic/quic_dispatch.h"

namespace gatehouse {
namespace {

// RFC 4291 section 2.5.5.2
sockaddr_in6 mapped(const sockaddr* address) {
  const auto& v4 = *reinterpret_cast<const sockaddr_in*>(address);
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = v4.sin_port;
  v6.sin6_addr.s6_addr[10] = v6.sin6_addr.s6_addr[11] = 0xff;
  std::memcpy(&v6.sin6_addr.s6_addr[12], &v4.sin_addr, sizeof v4.sin_addr);
  return v6;
}

// A datagram of IPv4 as a socket of `family` would have told of it: a connection's path must not change with the socket
// by which its packets come in.
class Translated {
 public:
  Translated(const UdpDatagram& received, int family) : datagram_(received) {
    const UdpPath& path = received.path;
    if (family != AF_INET6 || path.remote->sa_family != AF_INET) return;
    local_ = mapped(path.local);
    remote_ = mapped(path.remote);
    datagram_.path = {.local = reinterpret_cast<const sockaddr*>(&local_),
                      .local_length = sizeof local_,
                      .remote = reinterpret_cast<const sockaddr*>(&remote_),
                      .remote_length = sizeof remote_};
  }
  Translated(const Translated&) = delete;
  Translated& operator=(const Translated&) = delete;

  const UdpDatagram& operator*() const { return datagram_; }

 private:
  sockaddr_in6 local_{};
  sockaddr_in6 remote_{};
  UdpDatagram datagram_;
};

}  // namespace

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

bool QuicListener::receive_if_known(const UdpDatagram& datagram) {
  return dispatch_ && dispatch_->receive_if_known(*Translated(datagram, socket_->local().family()));
}

void QuicListener::receive_unknown(const UdpDatagram& datagram) {
  if (dispatch_) dispatch_->receive_unknown(*Translated(datagram, socket_->local().family()));
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
