#include "proxy/frontend/tcp_listener.h"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "common/event_loop.h"
#include "common/log.h"
#include "common/sockets.h"
#include "common/tcp_stream.h"
#include "common/tls_stream.h"
#include "proxy/frontend/clear_accept.h"
#include "proxy/frontend/tls_accept.h"
#include "proxy/frontend/tls_contexts.h"

namespace gatehouse {

namespace {

constexpr std::size_t kBatch = 64;  // then the other work of the turn comes first
constexpr std::chrono::milliseconds kRest{100};
constexpr std::chrono::milliseconds kTurn{1};
constexpr std::size_t kMostOnClose = 4096;  // what a full backlog holds

bool out_of_descriptors(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

}  // namespace

TcpListener::TcpListener(ListenerContext& context, Fd socket)
    : context_(context), socket_(std::move(socket)), retry_(context.loop, [this] { accept_batch(kBatch); }) {
  watcher_.emplace(context.loop, socket_.get(), [this](IoEvents) { accept_batch(kBatch); });
  retry_.arm(Duration::zero());  // what waits already gives no edge
}

void TcpListener::close() {
  if (closed()) return;
  paused_ = false;
  accept_batch(kMostOnClose);
  retry_.disarm();
  watcher_.reset();
  socket_.reset();
}

void TcpListener::pause() {
  paused_ = true;
}

void TcpListener::resume() {
  if (!std::exchange(paused_, false) || closed()) return;
  retry_.arm(Duration::zero());
}

// Edge-triggered: until the backlog is empty, the timer is what comes back to it.
void TcpListener::accept_batch(std::size_t limit) {
  if (paused_) return;
  for (std::size_t i = 0; i < limit; ++i) {
    switch (accept_one()) {
      case Outcome::kAccepted:
        continue;
      case Outcome::kEmpty:
        return;
      case Outcome::kShort:
        return make_room();
    }
  }
  retry_.arm(Duration::zero());
}

bool TcpListener::somebody_waits() const {
  pollfd backlog{.fd = socket_.get(), .events = POLLIN, .revents = 0};
  return ::poll(&backlog, 1, 0) > 0;
}

TcpListener::Outcome TcpListener::accept_one() {
  ConnectionPermit permit = ConnectionPermit::request(context_.budget);
  if (!permit) return somebody_waits() ? Outcome::kShort : Outcome::kEmpty;
  sockaddr_storage peer{};
  socklen_t length = sizeof peer;
  Fd socket(::accept4(socket_.get(), reinterpret_cast<sockaddr*>(&peer), &length, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!socket) {
    if (errno == EAGAIN || errno == EWOULDBLOCK) return Outcome::kEmpty;
    if (out_of_descriptors(errno)) return Outcome::kShort;
    if (errno == EBADF || errno == EINVAL || errno == ENOTSOCK) {
      log::error("cannot accept on {}: {}", context_.policy->name, system_failure("accept4", errno).error().message);
      return Outcome::kEmpty;
    }
    return Outcome::kAccepted;  // that one was gone before it came; the next one may be there
  }
  begin(std::move(socket), Address(reinterpret_cast<const sockaddr*>(&peer), length), std::move(permit));
  return Outcome::kAccepted;
}

// The place of the idle connection is free when the turn has ended, and the turn's timers are still to come.
void TcpListener::make_room() {
  context_.counters.refused.add();
  const bool soon = context_.connections.close_oldest_idle();
  retry_.arm(soon ? kTurn : kRest);
}

void TcpListener::begin(Fd socket, const Address& peer, ConnectionPermit permit) {
  const int fd = socket.get();
  if (!peer.is_unix()) sockets::set_no_delay(fd);
  auto stream = std::make_unique<TcpStream>(context_.loop, std::move(socket));
  if (!context_.tls) {
    return ClearAccept::begin(context_, {.stream = std::move(stream), .peer = peer, .permit = std::move(permit)});
  }
  TlsStream::SslPtr ssl = context_.tls->new_ssl();
  if (!ssl) return;
  auto tls = std::make_unique<TlsStream>(context_.loop, std::move(stream), std::move(ssl));
  context_.connections.add(std::make_unique<TlsAccept>(context_, std::move(tls), peer, std::move(permit)));
}

}  // namespace gatehouse
