// QuicConnection: time that passes, and the ways to end.
#include <array>
#include <utility>

#include "common/event_loop.h"
#include "common/log_limit.h"
#include "proxy/frontend/abuse_report.h"
#include "proxy/frontend/quic/quic_connection.h"
#include "proxy/frontend/quic/quic_dispatch.h"
#include "proxy/frontend/tls/client_verification.h"

namespace gatehouse {

namespace {

constinit log::Limited failed_handshakes("failed QUIC handshakes");
constinit log::Limited refused_clients("QUIC clients that were refused for their certificate");

// RFC 9000 section 10.2: as long as packets of before may still be on their way.
Duration after_three_pto(ngtcp2_conn* conn) {
  return std::chrono::nanoseconds(3 * ngtcp2_conn_get_pto(conn));
}

HandshakeFailure reason_of(int status, ngtcp2_conn* conn) {
  constexpr std::uint8_t kHandshakeFailure = 40;
  constexpr std::uint8_t kBadCertificate = 42;
  constexpr std::uint8_t kUnsupportedCertificate = 43;
  constexpr std::uint8_t kCertificateRevoked = 44;
  constexpr std::uint8_t kCertificateExpired = 45;
  constexpr std::uint8_t kCertificateUnknown = 46;
  constexpr std::uint8_t kUnknownCa = 48;
  constexpr std::uint8_t kProtocolVersion = 70;
  constexpr std::uint8_t kUnrecognisedName = 112;
  constexpr std::uint8_t kCertificateRequired = 116;
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
    case kCertificateRequired:
      return HandshakeFailure::kNoCertificate;
    case kBadCertificate:
    case kUnsupportedCertificate:
    case kCertificateRevoked:
    case kCertificateExpired:
    case kCertificateUnknown:
    case kUnknownCa:
      return HandshakeFailure::kBadCertificate;
    default:
      return HandshakeFailure::kOther;
  }
}

// Not what we refuse by our own rules.
bool tells_of_the_way(HandshakeFailure reason) {
  return reason != HandshakeFailure::kUnknownName && reason != HandshakeFailure::kAlpn;
}

}  // namespace

void QuicConnection::expired() {
  const int status = ngtcp2_conn_handle_expiry(engine_.conn.get(), stamp());
  if (status != 0) return fail(status);
  flush_.wake();
}

// What ngtcp2 returned, or one of our callbacks made it return.
void QuicConnection::fail(int status) {
  if (!peer_.counted) fail_handshake(status);
  switch (status) {
    case NGTCP2_ERR_DRAINING:
      if (peer_.counted) leave_farewell({});
      return vanish();
    case NGTCP2_ERR_IDLE_CLOSE:
    case NGTCP2_ERR_HANDSHAKE_TIMEOUT:
    case NGTCP2_ERR_DROP_CONN:
    case NGTCP2_ERR_RETRY:
      return vanish();
    default:
      break;
  }
  if (!error_) {
    if (peer_.counted) report_abuse(context_, peer_.address, Abuse::kProtocolError);
    ngtcp2_ccerr& error = error_.emplace();
    ngtcp2_ccerr_default(&error);
    if (status == NGTCP2_ERR_CRYPTO) {
      ngtcp2_ccerr_set_tls_alert(&error, ngtcp2_conn_get_tls_alert(engine_.conn.get()), nullptr, 0);
    } else {
      ngtcp2_ccerr_set_liberr(&error, status, nullptr, 0);
    }
  }
  close_with_error();
}

void QuicConnection::fail_handshake(int status) {
  if (peer_.probe) return;  // it has seen enough
  const HandshakeFailure reason = reason_of(status, engine_.conn.get());
  context_.counters.handshake_failures[static_cast<std::size_t>(reason)].add();
  const SSL* const ssl = engine_.crypto ? ngtcp2_crypto_ossl_ctx_get_ssl(engine_.crypto.get()) : nullptr;
  if (ssl != nullptr && reason == HandshakeFailure::kBadCertificate) {
    refused_clients.info("{} was refused on {} for its certificate: {}", peer_.address.to_string(),
                         context_.policy->name, client_verification::refusal(ssl));
  }
  if (permit_ && tells_of_the_way(reason)) dispatch_->handshake_failed(peer_.prefix);
  failed_handshakes.debug("QUIC handshake with {} failed: {}", peer_.address.to_string(), label(reason));
}

void QuicConnection::close_with_error() {
  end_session();
  ngtcp2_path_storage path;
  ngtcp2_path_storage_zero(&path);
  ngtcp2_pkt_info info{};
  std::array<std::uint8_t, NGTCP2_MAX_UDP_PAYLOAD_SIZE> packet;
  const ngtcp2_ssize size = ngtcp2_conn_write_connection_close(engine_.conn.get(), &path.path, &info, packet.data(),
                                                               packet.size(), &*error_, stamp());
  if (size <= 0) return vanish();  // no keys yet, or the client may not be sent more
  const std::span<const std::uint8_t> bytes(packet.data(), static_cast<std::size_t>(size));
  const UdpPath way{.local = path.path.local.addr,
                    .local_length = path.path.local.addrlen,
                    .remote = path.path.remote.addr,
                    .remote_length = path.path.remote.addrlen};
  QuicSocket& socket = environment().socket;
  // A full socket keeps what it is given: not for those who have proven nothing.
  if (peer_.counted || !socket.blocked()) {
    socket.send({.path = way, .ecn = info.ecn, .segment = bytes.size(), .bytes = bytes});
    context_.counters.datagrams_sent.add();
  }
  if (peer_.counted) leave_farewell(bytes);
  vanish();
}

void QuicConnection::leave_farewell(std::span<const std::uint8_t> packet) {
  QuicFarewell farewell{.ids = {},
                        .packet = {packet.begin(), packet.end()},
                        .until = context_.loop.now() + after_three_pto(engine_.conn.get())};
  for (const ngtcp2_cid& id : ids()) farewell.ids.push_back(QuicId::of({id.data, id.datalen}));
  dispatch_->bid(std::move(farewell));
}

std::vector<ngtcp2_cid> QuicConnection::ids() const {
  ngtcp2_conn* const conn = engine_.conn.get();
  std::vector<ngtcp2_cid> ids(ngtcp2_conn_get_scid(conn, nullptr));
  ngtcp2_conn_get_scid(conn, ids.data());
  ids.push_back(*ngtcp2_conn_get_client_initial_dcid(conn));
  return ids;
}

void QuicConnection::leave_dispatch() {
  if (dispatch_ == nullptr || !engine_.conn) return;
  dispatch_->stop_waiting(*this);
  if (std::exchange(peer_.half_open, false)) dispatch_->half_open().failed(peer_.prefix, context_.loop.now());
  for (const ngtcp2_cid& id : ids()) dispatch_->remove(id);
  dispatch_ = nullptr;
}

void QuicConnection::end_session() {
  flush_.cancel();
  if (!session_) return;
  session_->cancel_all();
  session_.reset();
}

void QuicConnection::vanish() {
  end_session();
  leave_dispatch();
  context_.connections.close(*this);
}

// ---- ClientConnection ----

void QuicConnection::drain() {
  if (gone()) return;
  if (session_) {
    session_->drain();
  } else {
    finish(NGHTTP3_H3_NO_ERROR);
  }
}

ClientConnection::Standing QuicConnection::standing() const {
  if (gone()) return Standing::kIdle;
  if (!permit_) return Standing::kServing;  // it takes no place that could be made free
  return peer_.counted && session_ ? session_->standing() : Standing::kUnfinished;
}

void QuicConnection::close_now() {
  if (gone()) return;
  if (!error_) ngtcp2_ccerr_set_application_error(&error_.emplace(), NGHTTP3_H3_NO_ERROR, nullptr, 0);
  close_with_error();
}

}  // namespace gatehouse
