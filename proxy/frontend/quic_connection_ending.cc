// QuicConnection: time that passes, and the ways to end.
#include <utility>

#include "common/event_loop.h"
#include "proxy/frontend/quic_connection.h"
#include "proxy/frontend/quic_dispatch.h"

namespace gatehouse {

namespace {

// RFC 9000 section 10.2: as long as packets of before may still be on their way.
Duration after_three_pto(ngtcp2_conn* conn) {
  return std::chrono::nanoseconds(3 * ngtcp2_conn_get_pto(conn));
}

HandshakeFailure reason_of(int status, ngtcp2_conn* conn) {
  constexpr std::uint8_t kHandshakeFailure = 40;
  constexpr std::uint8_t kProtocolVersion = 70;
  constexpr std::uint8_t kUnrecognisedName = 112;
  constexpr std::uint8_t kNoApplicationProtocol = 120;
  if (status == NGTCP2_ERR_HANDSHAKE_TIMEOUT || status == NGTCP2_ERR_IDLE_CLOSE) return HandshakeFailure::kTimeout;
  if (status == NGTCP2_ERR_DRAINING) return HandshakeFailure::kClosed;
  if (status != NGTCP2_ERR_CRYPTO) return HandshakeFailure::kProtocol;
  switch (ngtcp2_conn_get_tls_alert(conn)) {
    case kHandshakeFailure:
      return HandshakeFailure::kNoSharedCipher;
    case kProtocolVersion:
      return HandshakeFailure::kVersion;
    case kUnrecognisedName:
      return HandshakeFailure::kUnknownName;
    case kNoApplicationProtocol:
      return HandshakeFailure::kAlpn;
    default:
      return HandshakeFailure::kOther;
  }
}

}  // namespace

void QuicConnection::expired() {
  if (phase_ != Phase::kOpen) return vanish();  // the closing or draining period is over
  const int status = ngtcp2_conn_handle_expiry(engine_.conn.get(), stamp());
  if (status != 0) return fail(status);
  flush_.wake();
}

// What ngtcp2 returned, or one of our callbacks made it return.
void QuicConnection::fail(int status) {
  ngtcp2_conn* const conn = engine_.conn.get();
  if (!peer_.counted) {
    context_.counters.handshake_failures[static_cast<std::size_t>(reason_of(status, conn))].add();
  }
  switch (status) {
    case NGTCP2_ERR_DRAINING:
      return begin_draining();
    case NGTCP2_ERR_IDLE_CLOSE:
    case NGTCP2_ERR_HANDSHAKE_TIMEOUT:
    case NGTCP2_ERR_DROP_CONN:
    case NGTCP2_ERR_RETRY:
      return vanish();
    default:
      break;
  }
  if (!ending_.error) {
    auto& error = ending_.error.emplace();
    ngtcp2_ccerr_default(&error);
    if (status == NGTCP2_ERR_CRYPTO) {
      ngtcp2_ccerr_set_tls_alert(&error, ngtcp2_conn_get_tls_alert(conn), nullptr, 0);
    } else {
      ngtcp2_ccerr_set_liberr(&error, status, nullptr, 0);
    }
  }
  begin_closing();
}

void QuicConnection::begin_closing() {
  end_session();
  ngtcp2_conn* const conn = engine_.conn.get();
  ngtcp2_path_storage path;
  ngtcp2_path_storage_zero(&path);
  ngtcp2_pkt_info info{};
  ending_.packet.resize(NGTCP2_MAX_UDP_PAYLOAD_SIZE);
  const ngtcp2_ssize size = ngtcp2_conn_write_connection_close(conn, &path.path, &info, ending_.packet.data(),
                                                               ending_.packet.size(), &*ending_.error, stamp());
  if (size <= 0) return vanish();  // no keys yet, or the client may not be sent more
  ending_.packet.resize(static_cast<std::size_t>(size));
  ending_.packet.shrink_to_fit();
  const UdpPath way{.local = path.path.local.addr,
                    .local_length = path.path.local.addrlen,
                    .remote = path.path.remote.addr,
                    .remote_length = path.path.remote.addrlen};
  environment().socket.send({.path = way, .ecn = info.ecn, .segment = ending_.packet.size(), .bytes = ending_.packet});
  phase_ = Phase::kClosing;
  timer_.arm(after_three_pto(conn));
}

void QuicConnection::begin_draining() {
  end_session();
  phase_ = Phase::kDraining;
  timer_.arm(after_three_pto(engine_.conn.get()));
}

// RFC 9000 section 10.2.1: ever more rarely.
void QuicConnection::repeat_goodbye(const UdpDatagram& datagram) {
  if (++ending_.received < ending_.repeat_at) return;
  ending_.repeat_at *= 2;
  QuicSocket& socket = environment().socket;
  if (socket.blocked()) return;
  socket.send({.path = datagram.path, .ecn = 0, .segment = ending_.packet.size(), .bytes = ending_.packet});
}

void QuicConnection::end_session() {
  flush_.cancel();
  address_proven();  // or never to be: it is not half open any more
  if (!session_) return;
  session_->cancel_all();
  session_.reset();
}

void QuicConnection::vanish() {
  end_session();
  phase_ = Phase::kGone;
  context_.connections.close(*this);
}

// ---- ClientConnection ----

void QuicConnection::drain() {
  if (phase_ != Phase::kOpen) return;
  if (session_) {
    session_->drain();
  } else {
    finish(NGHTTP3_H3_NO_ERROR);
  }
}

ClientConnection::Standing QuicConnection::standing() const {
  if (phase_ != Phase::kOpen) return Standing::kIdle;
  return peer_.counted && session_ ? session_->standing() : Standing::kUnfinished;
}

void QuicConnection::close_now() {
  if (phase_ == Phase::kClosing || phase_ == Phase::kDraining) return vanish();
  if (phase_ != Phase::kOpen || dispatch_ == nullptr) return;
  if (!ending_.error) ngtcp2_ccerr_set_application_error(&ending_.error.emplace(), NGHTTP3_H3_NO_ERROR, nullptr, 0);
  begin_closing();
}

void QuicConnection::leave_listener() {
  if (phase_ == Phase::kOpen) close_now();
  dispatch_ = nullptr;
  if (phase_ != Phase::kGone) vanish();
}

}  // namespace gatehouse
