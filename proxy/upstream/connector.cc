#include "proxy/upstream/connector.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <utility>

#include "common/event_loop.h"
#include "common/sockets.h"

namespace gatehouse {

namespace {

// A connect to a Unix socket does not wait for room in the backlog, and nothing tells when there is some.
constexpr std::chrono::milliseconds kUnixRetry{5};

// EADDRNOTAVAIL: all ports of ours towards this address are in use; EAGAIN the same, of older kernels.
Fault fault_of(int error) {
  switch (error) {
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
    case EADDRNOTAVAIL:
    case EAGAIN:
      return Fault::kOutOfResources;
    case ECONNREFUSED:
      return Fault::kConnectRefused;
    case ETIMEDOUT:
      return Fault::kConnectTimeout;
    default:
      return Fault::kConnectFailed;
  }
}

std::unexpected<Connector::Failure> failure_of(int error) {
  return std::unexpected(Connector::Failure{.fault = fault_of(error), .error = error});
}

// So that a kept connection to a machine that has vanished ends within 15 s. Best effort: it works without.
void set_keepalive(int fd) {
  constexpr struct {
    int level, name, value;
  } kOptions[] = {{SOL_SOCKET, SO_KEEPALIVE, 1},
                  {IPPROTO_TCP, TCP_KEEPIDLE, 6},
                  {IPPROTO_TCP, TCP_KEEPINTVL, 3},
                  {IPPROTO_TCP, TCP_KEEPCNT, 3}};
  for (const auto& option : kOptions) ::setsockopt(fd, option.level, option.name, &option.value, sizeof option.value);
}

}  // namespace

Connector::Connector(EventLoop& loop, const Address& address, std::optional<uid_t> listening_user,
                     std::move_only_function<void(Outcome)> done)
    : loop_(loop),
      address_(address),
      listening_user_(listening_user),
      done_(std::move(done)),
      settled_(loop,
               [this] {
                 watcher_.reset();
                 done_(*std::exchange(outcome_, std::nullopt));
               }),
      again_(loop, [this] { begin(); }) {
  begin();
}

void Connector::begin() {
  Result<Fd> socket = sockets::connect(address_);
  if (!socket) {
    if (address_.is_unix() && socket.error().code == EAGAIN) {
      again_.arm(kUnixRetry);
    } else {
      settle(failure_of(socket.error().code));
    }
    return;
  }
  socket_ = *std::move(socket);
  if (address_.is_unix()) {
    if (listens_by_right()) {
      settle(std::move(socket_));
    } else {
      socket_.reset();
      settle(std::unexpected(Failure{.fault = Fault::kForeignListener, .error = 0}));
    }
    return;
  }
  set_keepalive(socket_.get());
  watcher_.emplace(loop_, socket_.get(), [this](IoEvents) { on_ready(); });
}

// A link in the folder of an app may lead to a socket that only we can reach. Where it leads is seen too late to
// follow it or not; who listens there the kernel says for as long as the connection lives.
bool Connector::listens_by_right() const {
  return sockets::is_listened_at_by(socket_.get(), listening_user_);
}

void Connector::on_ready() {
  if (outcome_ || !socket_) return;
  if (const int error = sockets::take_error(socket_.get()); error != 0) {
    settle(failure_of(error));
    return;
  }
  // The poller may speak before the handshake is through.
  sockaddr_storage peer{};
  socklen_t length = sizeof peer;
  if (::getpeername(socket_.get(), reinterpret_cast<sockaddr*>(&peer), &length) == 0) settle(std::move(socket_));
}

// Through the waker: the watcher must not be destroyed within its own call, and the constructor calls nobody.
void Connector::settle(Outcome outcome) {
  outcome_ = std::move(outcome);
  settled_.wake();
}

}  // namespace gatehouse
