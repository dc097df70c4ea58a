#include "proxy/frontend/accept/tcp_listener.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "common/event_loop.h"
#include "common/log.h"
#include "common/sockets.h"
#include "proxy/frontend/accept/begin_client.h"
#include "proxy/frontend/accept/proxy_accept.h"

namespace gatehouse {

namespace {

constexpr std::size_t kBatch = 64;  // then the other work of the turn comes first
constexpr std::chrono::milliseconds kRest{100};
constexpr std::size_t kMostOnClose = 4096;  // what a full backlog holds
constexpr int kUnsent = 128 * 1024;         // that the kernel takes ahead for a client: two writes of a turn

bool out_of_descriptors(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

}  // namespace

TcpListener::TcpListener(ListenerContext& context, Fd socket)
    : context_(context),
      socket_(std::move(socket)),
      retry_(context.loop, [this] { look_again(); }),
      room_(context, [this] { look_again(); }) {
  watcher_.emplace(context.loop, socket_.get(), [this](IoEvents) { accept_batch(kBatch); });
  retry_.arm(Duration::zero());  // what waits already gives no edge
}

void TcpListener::close() {
  if (closed()) return;
  resting_ = false;
  accept_batch(kMostOnClose);
  release();
}

Fd TcpListener::release() {
  retry_.disarm();
  watcher_.reset();
  return std::exchange(socket_, Fd());
}

void TcpListener::look_again() {
  if (closed()) return;
  resting_ = false;
  accept_batch(kBatch);
}

// Edge-triggered: until the backlog is empty, the timer is what comes back to it.
void TcpListener::accept_batch(std::size_t limit) {
  if (resting_) return;
  for (std::size_t i = 0; i < limit; ++i) {
    switch (accept_one()) {
      case Outcome::kAccepted:
        continue;
      case Outcome::kEmpty:
        return room_.satisfied();
      case Outcome::kNoRoom:
        return rest(ConnectionRefusal::kLimit);
      case Outcome::kNoDescriptor:
        return rest(ConnectionRefusal::kDescriptors);
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
  if (!permit) return somebody_waits() ? Outcome::kNoRoom : Outcome::kEmpty;
  sockaddr_storage peer{};
  socklen_t length = sizeof peer;
  Fd socket(::accept4(socket_.get(), reinterpret_cast<sockaddr*>(&peer), &length, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!socket) {
    if (errno == EAGAIN || errno == EWOULDBLOCK) return Outcome::kEmpty;
    if (out_of_descriptors(errno)) return Outcome::kNoDescriptor;
    if (errno == EBADF || errno == EINVAL || errno == ENOTSOCK) {
      log::error("cannot accept on {}: {}", context_.policy->name, system_failure("accept4", errno).error().message);
      return Outcome::kEmpty;
    }
    return Outcome::kAccepted;  // that one was gone before it came; the next one may be there
  }
  begin(std::move(socket), Address(reinterpret_cast<const sockaddr*>(&peer), length), std::move(permit));
  return Outcome::kAccepted;
}

// As far as the kernel tells: of a listening TCP socket the backlog stands where others have what is unacknowledged.
std::size_t TcpListener::waiting_clients() const {
  tcp_info info{};
  socklen_t length = sizeof info;
  const bool known = ::getsockopt(socket_.get(), IPPROTO_TCP, TCP_INFO, &info, &length) == 0;
  return known ? std::clamp<std::size_t>(info.tcpi_unacked, 1, kBatch) : 1;
}

void TcpListener::rest(ConnectionRefusal why) {
  resting_ = true;
  retry_.arm(kRest);
  room_.want(why, waiting_clients());
}

void TcpListener::begin(Fd socket, const Address& peer, ConnectionPermit permit) {
  const int fd = socket.get();
  if (!peer.is_unix()) {
    sockets::set_no_delay(fd);
    sockets::set_unsent_limit(fd, kUnsent);
  }
  if (context_.policy->proxy_protocol != ProxyProtocol::kOff) {
    return ProxyAccept::begin(context_, std::move(socket), peer, std::move(permit));
  }
  begin_client(context_, {.socket = std::move(socket), .address = peer, .permit = std::move(permit)});
}

}  // namespace gatehouse
