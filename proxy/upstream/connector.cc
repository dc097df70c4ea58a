#include "proxy/upstream/connector.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <utility>

#include "common/crypto/tls_server.h"
#include "common/event_loop.h"
#include "common/socket_owner.h"
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

Connector::Failure failure_of(int error) {
  return {.fault = fault_of(error), .error = error};
}

Fault fault_of(TlsFailure failure) {
  switch (failure) {
    case TlsFailure::kUntrusted:
      return Fault::kUpstreamTlsUntrusted;
    case TlsFailure::kExpired:
      return Fault::kUpstreamTlsExpired;
    case TlsFailure::kWrongName:
      return Fault::kUpstreamTlsName;
    case TlsFailure::kAlert:
      return Fault::kUpstreamTlsAlert;
    case TlsFailure::kProtocol:
      break;
  }
  return Fault::kUpstreamTlsFailed;
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

Connector::Connector(EventLoop& loop, const Target& target, std::move_only_function<void(Outcome)> done)
    : loop_(loop),
      target_(target),
      at_(&target.address),
      done_(std::move(done)),
      waker_(loop, [this] { on_settled(); }),
      again_(loop, [this] { begin(); }) {
  begin();
}

Connector::~Connector() {
  if (tls_) tls_->set_user(nullptr);
}

void Connector::begin() {
  Result<Fd> socket = sockets::connect(*at_);
  if (!socket) {
    if (target_.address.is_unix() && socket.error().code == EAGAIN) {
      again_.arm(kUnixRetry);
    } else {
      settle(failure_of(socket.error().code));
    }
    return;
  }
  socket_ = *std::move(socket);
  if (target_.address.is_unix()) {
    if (listens_by_right()) {
      settle(std::nullopt);
    } else {
      socket_.reset();
      settle(Failure{.fault = Fault::kForeignListener, .error = 0});
    }
    return;
  }
  set_keepalive(socket_.get());
  watcher_.emplace(loop_, socket_.get(), [this](IoEvents) { on_ready(); });
}

// A link in the folder of an app may lead to a socket that only we can reach. Where it leads is seen too late to
// follow it or not; who listens there the kernel says for as long as the connection lives.
bool Connector::listens_by_right() const {
  return sockets::is_listened_at_by(socket_.get(), target_.listening_user);
}

void Connector::on_ready() {
  if (settled_ || !socket_) return;
  if (const int error = sockets::take_error(socket_.get()); error != 0) {
    settle(failure_of(error));
    return;
  }
  // The poller may speak before the handshake is through.
  sockaddr_storage peer{};
  socklen_t length = sizeof peer;
  if (::getpeername(socket_.get(), reinterpret_cast<sockaddr*>(&peer), &length) != 0) return;
  const bool foreign = target_.listening_user && !socket_owner::is_at_other_end(socket_.get(), *target_.listening_user);
  settle(foreign ? std::optional(Failure{.fault = Fault::kForeignListener, .error = 0}) : std::nullopt);
}

// Through the waker: the watcher must not be destroyed within its own call, and the constructor calls nobody.
void Connector::settle(std::optional<Failure> failure) {
  settled_ = true;
  if (!failure_ || !failure) failure_ = std::move(failure);
  waker_.wake();
}

// A socket that has sent nothing takes a few hundred bytes at once.
int Connector::introduce() const {
  const std::string& text = target_.introduction;
  const ssize_t sent = ::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent == std::ssize(text)) return 0;
  return sent < 0 && errno != EAGAIN ? errno : ENOBUFS;
}

// What was wrong at the first address is what there is to say: the other is a guess.
bool Connector::try_other() {
  if (!failure_ || target_.other == nullptr || at_ == target_.other) return false;
  at_ = target_.other;
  settled_ = false;
  begin();
  return true;
}

void Connector::on_settled() {
  watcher_.reset();
  if (try_other()) return;
  if (failure_) return done_(std::unexpected(*std::move(failure_)));
  if (!target_.introduction.empty()) {
    if (const int error = introduce(); error != 0) return done_(std::unexpected(failure_of(error)));
  }
  auto stream = std::make_unique<TcpStream>(loop_, std::move(socket_));
  if (target_.tls == nullptr) return done_(EndpointStream(std::move(stream)));
  TlsStream::SslPtr ssl = target_.tls->new_ssl();
  if (!ssl) return done_(std::unexpected(failure_of(ENOMEM)));
  tls_ = std::make_unique<TlsStream>(loop_, std::move(stream), std::move(ssl));
  tls_->set_user(this);
  shake_hands();
}

void Connector::shake_hands() {
  const TlsStream::Handshake outcome = tls_->handshake();
  if (outcome == TlsStream::Handshake::kInProgress) return;
  tls_->set_user(nullptr);
  if (outcome == TlsStream::Handshake::kDone) return done_(EndpointStream(std::move(tls_)));
  const Fault fault = fault_of(target_.tls->note_failure(*tls_));
  done_(std::unexpected(Failure{.fault = fault, .error = 0, .why = TlsServer::reason(*tls_)}));
}

}  // namespace gatehouse
