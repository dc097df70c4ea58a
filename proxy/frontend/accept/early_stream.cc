#include "proxy/frontend/accept/early_stream.h"

#include <sys/socket.h>

#include <utility>

#include "proxy/frontend/accept/tls_accept.h"

namespace gatehouse {

EarlyStream::EarlyStream(ListenerContext& context, std::unique_ptr<TlsStream> tls, Protocol protocol,
                         MonotonicTime deadline)
    : context_(context), tls_(std::move(tls)), protocol_(protocol), deadline_(context.loop, [this] { on_timeout(); }) {
  deadline_.arm_at(deadline);
}

EarlyStream::~EarlyStream() {
  tls_->set_user(nullptr);
}

void EarlyStream::set_user(User* user) {
  user_ = user;
  waits_ = Waits();
  tls_->set_user(user != nullptr ? this : nullptr);
}

IoResult EarlyStream::read(Buffer& into, std::size_t max) {
  const IoResult result = tls_->read(into, max);
  waits_.read = result.status == IoStatus::kWouldBlock;
  return result;
}

IoResult EarlyStream::write(Buffer& from) {
  const IoResult result = tls_->write(from);
  waits_.write = result.status == IoStatus::kWouldBlock;
  return result;
}

// The user may drop the stream in its call.
void EarlyStream::on_readable() {
  const bool worthwhile = !pending_ || progress();
  if (!worthwhile || user_ == nullptr || !std::exchange(waits_.read, false)) return;
  user_->on_readable();
}

void EarlyStream::on_writable() {
  if (user_ != nullptr && std::exchange(waits_.write, false)) user_->on_writable();
}

void EarlyStream::on_peer_ended() {
  if (user_ != nullptr) user_->on_peer_ended();
}

// Returns whether read() may have something.
bool EarlyStream::progress() {
  switch (tls_->handshake()) {
    case TlsStream::Handshake::kInProgress:
      return false;
    case TlsStream::Handshake::kEarlyData:
      return true;
    case TlsStream::Handshake::kFailed:
      fail(handshake_failure(tls_->failure_reason()));
      return true;
    case TlsStream::Handshake::kDone:
      deadline_.disarm();
      pending_ = false;
      count_handshake(context_, tls_->ssl(), protocol_);
      return true;
  }
  return false;
}

// Once: a handshake that is late fails by and by as one that was closed.
void EarlyStream::fail(HandshakeFailure why) {
  if (!deadline_.armed() && why != HandshakeFailure::kTimeout) return;
  deadline_.disarm();
  context_.counters.handshake_failures[static_cast<std::size_t>(why)].add();
}

// The codec learns it as it does of every connection that breaks.
void EarlyStream::on_timeout() {
  fail(HandshakeFailure::kTimeout);
  ::shutdown(tls_->fd(), SHUT_RDWR);
}

}  // namespace gatehouse
