#include "proxy/frontend/quic/quic_connection.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "common/event_loop.h"
#include "proxy/frontend/abuse_report.h"
#include "proxy/frontend/client_admission.h"
#include "proxy/frontend/quic/quic_callbacks.h"
#include "proxy/frontend/quic/quic_dispatch.h"
#include "proxy/frontend/quic/quic_opened_packet.h"
#include "proxy/frontend/tls/tls_contexts.h"
#include "proxy/frontend/tls_summary.h"

namespace gatehouse {

namespace {

// Honest clients need a few KiB for a hello in two datagrams, beside which our own answer to it is held: certificates
// of 20 KiB pass with half of this. Later they need the connection's window, as large as it gets, with a block for each
// stream.
constexpr std::size_t kMostHeldBeforeHandshake = 64 * 1024UL;
constexpr std::size_t kMostHeld = 5 * 1024 * 1024UL;

// Control, QPACK encoder and decoder; others of types that nobody knows (RFC 9114 section 6.2.3); and those that are one
// too many, which shall be told so.
constexpr std::uint64_t kMostUniStreams = 16;

ngtcp2_addr addr(const sockaddr* address, socklen_t length) {
  return {.addr = const_cast<sockaddr*>(address), .addrlen = length};
}

ngtcp2_path path_of(const UdpPath& path) {
  return {.local = addr(path.local, path.local_length),
          .remote = addr(path.remote, path.remote_length),
          .user_data = nullptr};
}

ngtcp2_settings settings_for(const QuicEnvironment& environment, const QuicConnection::Acceptance& acceptance,
                             ngtcp2_tstamp now) {
  const QuicOptions& options = environment.options;
  ngtcp2_settings settings;
  ngtcp2_settings_default(&settings);
  settings.initial_ts = now;
  settings.cc_algo = options.congestion_control == CongestionControl::kBbr ? NGTCP2_CC_ALGO_BBR : NGTCP2_CC_ALGO_CUBIC;
  settings.no_pmtud = options.discover_path_mtu ? 0 : 1;
  settings.ack_thresh = options.ack_threshold;
  settings.handshake_timeout = nanoseconds(environment.context.policy->connection.handshake_timeout);
  if (acceptance.token_type != NGTCP2_TOKEN_TYPE_UNKNOWN) {
    settings.token = acceptance.head.token;
    settings.tokenlen = acceptance.head.tokenlen;
    settings.token_type = acceptance.token_type;
  }
  return settings;
}

ngtcp2_transport_params parameters_for(const QuicEnvironment& environment, const QuicConnection::Acceptance& acceptance,
                                       const ngtcp2_cid& scid) {
  const auto& [context, socket, tokens, options] = environment;
  const Duration idle = context.policy->connection.idle_timeout;
  ngtcp2_transport_params params;
  ngtcp2_transport_params_default(&params);
  params.initial_max_stream_data_bidi_remote = options.h3.stream_window;
  params.initial_max_stream_data_uni = options.h3.stream_window;
  params.initial_max_data = options.h3.connection_window;
  params.initial_max_streams_bidi = context.policy->connection.max_streams;
  params.initial_max_streams_uni = kMostUniStreams;
  params.max_idle_timeout = nanoseconds(std::min<Duration>(idle, options.max_idle_timeout));
  params.active_connection_id_limit = 8;
  params.grease_quic_bit = 1;
  params.original_dcid = acceptance.head.dcid;
  params.original_dcid_present = 1;
  if (acceptance.token_type == NGTCP2_TOKEN_TYPE_RETRY) {
    params.original_dcid = acceptance.original_dcid;
    params.retry_scid = acceptance.head.dcid;
    params.retry_scid_present = 1;
  }
  tokens.reset_token(params.stateless_reset_token, scid);
  params.stateless_reset_token_present = 1;
  return params;
}

}  // namespace

std::unique_ptr<QuicConnection> QuicConnection::accept(QuicDispatch& dispatch, const UdpDatagram& first,
                                                       Acceptance acceptance) {
  auto connection = std::make_unique<QuicConnection>(Private{}, dispatch, acceptance);
  if (!connection->set_up(first, acceptance)) return nullptr;
  return connection;
}

QuicConnection::QuicConnection(Private /*only_accept_makes_one*/, QuicDispatch& dispatch, Acceptance& acceptance)
    : dispatch_(&dispatch),
      context_(dispatch.environment().context),
      permit_(std::move(acceptance.permit)),
      flush_(context_.loop, until_closed([this] { flush(); }), Waker::Phase::kFlush),
      timer_(context_.loop, until_closed([this] { expired(); })) {}

bool QuicConnection::set_up(const UdpDatagram& first, const Acceptance& acceptance) {
  const ngtcp2_pkt_hd& head = acceptance.head;
  const QuicId id = dispatch_->make_id();
  ngtcp2_cid scid;
  ngtcp2_cid_init(&scid, id.data.data(), id.size);
  const ngtcp2_settings settings = settings_for(environment(), acceptance, stamp());
  const ngtcp2_transport_params params = parameters_for(environment(), acceptance, scid);
  const ngtcp2_path path = path_of(first.path);

  engine_.contexts = context_.tls;
  TlsStream::SslPtr ssl = engine_.contexts->new_quic_ssl();
  if (!ssl || ngtcp2_crypto_ossl_configure_server_session(ssl.get()) != 0) return false;
  ngtcp2_crypto_ossl_ctx* crypto = nullptr;
  if (ngtcp2_crypto_ossl_ctx_new(&crypto, ssl.get()) != 0) return false;
  engine_.crypto.reset(crypto);
  engine_.reference = {.get_conn =
                           [](ngtcp2_crypto_conn_ref* reference) {
                             return static_cast<QuicConnection*>(reference->user_data)->engine_.conn.get();
                           },
                       .user_data = this};
  SSL_set_app_data(ssl.release(), &engine_.reference);  // owned by `crypto` from here on

  ngtcp2_conn* conn = nullptr;
  if (ngtcp2_conn_server_new(&conn, &head.scid, &scid, &path, head.version, &quic_callbacks(), &settings, &params,
                             engine_.memory.interface(), this) != 0) {
    return false;
  }
  engine_.conn.reset(conn);
  ngtcp2_conn_set_tls_native_handle(conn, crypto);
  peer_.prefix = acceptance.prefix;
  peer_.first_id = QuicId::of({head.dcid.data, head.dcid.datalen});
  peer_.half_open = acceptance.token_type == NGTCP2_TOKEN_TYPE_UNKNOWN && !acceptance.probe;
  peer_.probe = acceptance.probe;
  if (!permit_ && !peer_.probe) peer_.hope = ConnectionHope(context_.budget);
  peer_.address = Address(first.path.remote, first.path.remote_length);
  dispatch_->add(scid, *this);
  dispatch_->add(head.dcid, *this);
  return true;
}

QuicConnection::~QuicConnection() {
  session_.reset();
  if (peer_.counted) context_.counters.connections[static_cast<std::size_t>(Protocol::kH3)].subtract();
  leave_dispatch();
}

const QuicEnvironment& QuicConnection::environment() const {
  return dispatch_->environment();
}

ngtcp2_tstamp QuicConnection::stamp() const {
  return nanoseconds(context_.loop.now().time_since_epoch());
}

// ---- receiving ----

void QuicConnection::receive(const UdpDatagram& datagram, const QuicId& to) {
  if (gone()) return;
  // Whoever writes to the id that we chose has got our answer: the address is proven long before the handshake ends.
  if (!permit_ && !peer_.probe && to != peer_.first_id) {
    const Admission admission = ask_for_permit();
    if (admission == Admission::kNoRoom) return dispatch_->no_room();
    if (admission == Admission::kRefused) return close_with_error();
  }
  const ngtcp2_path path = path_of(datagram.path);
  const ngtcp2_pkt_info info{.ecn = datagram.ecn};
  const QuicOpenedPacket opened;
  int status = 0;
  {
    const QuicMemory::Reading reading(engine_.memory);
    status =
        ngtcp2_conn_read_pkt(engine_.conn.get(), &path, &info, datagram.bytes.data(), datagram.bytes.size(), stamp());
  }
  flush_.wake();
  if (status == NGTCP2_ERR_PROTO && opened.resets_our_stream()) return fail(NGTCP2_ERR_STREAM_STATE);
  if (status != 0) return fail(status);
  if (holds_too_much()) fail_for_memory();
}

// None is kept for anybody who has proven nothing, so that the last may have gone to somebody else by now.
QuicConnection::Admission QuicConnection::ask_for_permit() {
  ConnectionPermit permit = ConnectionPermit::request(context_.budget);
  if (!permit) return Admission::kNoRoom;
  if (!client_admission::admit(context_, peer_.address, permit)) {
    ngtcp2_ccerr_set_transport_error(&error_.emplace(), NGTCP2_CONNECTION_REFUSED, nullptr, 0);
    return Admission::kRefused;
  }
  permit_ = std::move(permit);
  peer_.hope = ConnectionHope();
  context_.connections.touch(*this);  // from now on it may have to make room
  return Admission::kAdmitted;
}

// What comes out of order is bounded in bytes by the windows, and here in what is kept beside them.
bool QuicConnection::holds_too_much() const {
  const std::size_t most = peer_.counted ? kMostHeld : kMostHeldBeforeHandshake;
  return engine_.memory.held_for_client() > most;
}

// The handshake has nothing but CRYPTO frames to hold anything with.
void QuicConnection::fail_for_memory() {
  if (!peer_.counted) return fail(NGTCP2_ERR_CRYPTO_BUFFER_EXCEEDED);
  report_abuse(context_, peer_.address, Abuse::kLibraryVerdict);
  if (!error_) ngtcp2_ccerr_set_application_error(&error_.emplace(), NGHTTP3_H3_EXCESSIVE_LOAD, nullptr, 0);
  close_with_error();
}

// ---- called by ngtcp2 ----

bool QuicConnection::outcome(const std::expected<void, H3Session::Code>& result) {
  if (result) return true;
  // Where there is an error already, the session has said why.
  if (!error_ && result.error() != NGHTTP3_H3_INTERNAL_ERROR) {
    report_abuse(context_, peer_.address, Abuse::kProtocolError);
  }
  finish(result.error());
  return false;
}

bool QuicConnection::start_session() {
  if (dispatch_ == nullptr) return false;
  if (peer_.probe) return true;  // which says goodbye when it sees the first answer
  H3Session::OwnStreams streams;
  for (std::int64_t* stream : {&streams.control, &streams.encoder, &streams.decoder}) {
    if (ngtcp2_conn_open_uni_stream(engine_.conn.get(), stream, nullptr) != 0) {
      // The client allows fewer than RFC 9114 section 6.2 asks for.
      return outcome(std::unexpected(NGHTTP3_H3_STREAM_CREATION_ERROR));
    }
  }
  H3Transport& transport = *this;
  session_ = std::make_unique<H3Session>(
      context_, transport, environment().options.h3,
      H3Session::Peer{.client = {.protocol = Protocol::kH3, .address = peer_.address, .listener = {}, .tls = {}},
                      .contexts = engine_.contexts});
  return session_->start(streams);
}

bool QuicConnection::handshake_completed() {
  // A probe goes no further, and otherwise every packet went to the client's own id: RFC 9000 section 7.2.
  if (!permit_) return false;
  if (std::exchange(peer_.half_open, false) && dispatch_ != nullptr) dispatch_->half_open().proven(peer_.prefix);
  const SSL* const ssl = ngtcp2_crypto_ossl_ctx_get_ssl(engine_.crypto.get());
  const bool resumed = SSL_session_reused(ssl) != 0;
  peer_.tls = tls_summary(ssl);
  constexpr auto kH3 = static_cast<std::size_t>(Protocol::kH3);
  constexpr std::size_t kTls13 = 1;
  peer_.counted = true;
  context_.counters.connections[kH3].add();
  context_.counters.connections_total[kH3].add();
  context_.counters.handshakes[kTls13][kH3][resumed ? 1 : 0].add();
  if (dispatch_ != nullptr) dispatch_->handshake_succeeded();
  if (session_) session_->client_known(peer_.tls);
  offer_token(*ngtcp2_conn_get_path(engine_.conn.get()));
  if (context_.draining && session_) session_->drain();
  return true;
}

void QuicConnection::offer_token(const ngtcp2_path& path) {
  if (dispatch_ == nullptr) return;
  const UdpPath way{.remote = path.remote.addr, .remote_length = path.remote.addrlen};
  const auto token = environment().tokens.new_token(way, context_.loop.wall_now());
  if (!token.empty()) ngtcp2_conn_submit_new_token(engine_.conn.get(), token.data(), token.size());
}

void QuicConnection::path_validated(const ngtcp2_path& path, bool wants_token) {
  if (wants_token) offer_token(path);
  if (ngtcp2_path_eq(&path, ngtcp2_conn_get_path(engine_.conn.get())) == 0) return;
  const Address address(path.remote.addr, path.remote.addrlen);
  if (!(address == peer_.address)) context_.counters.migrations.add();
  peer_.address = address;
  if (session_) session_->client_moved(peer_.address);
}

// ---- H3Transport ----

void QuicConnection::credit_stream(std::int64_t stream, std::size_t bytes) {
  // Refused only for a stream that has ended: then there is nothing to credit.
  ngtcp2_conn_extend_max_stream_offset(engine_.conn.get(), stream, bytes);
}

void QuicConnection::credit_connection(std::size_t bytes) {
  ngtcp2_conn_extend_max_offset(engine_.conn.get(), bytes);
}

void QuicConnection::reset(std::int64_t stream, std::uint64_t code) {
  ngtcp2_conn_shutdown_stream_write(engine_.conn.get(), 0, stream, code);
}

void QuicConnection::stop_sending(std::int64_t stream, std::uint64_t code) {
  ngtcp2_conn_shutdown_stream_read(engine_.conn.get(), 0, stream, code);
}

// An exchange may take longer than the idle timeout allows while nothing moves: PINGs keep the connection for it.
void QuicConnection::busy(bool is_busy) {
  ngtcp2_duration idle = ngtcp2_conn_get_local_transport_params(engine_.conn.get())->max_idle_timeout;
  const auto* const remote = ngtcp2_conn_get_remote_transport_params(engine_.conn.get());
  if (remote != nullptr && remote->max_idle_timeout != 0) idle = std::min(idle, remote->max_idle_timeout);
  ngtcp2_conn_set_keep_alive_timeout(engine_.conn.get(), is_busy ? idle / 2 : UINT64_MAX);
  if (is_busy) return;
  context_.connections.touch(*this);
  if (context_.gives_way()) session_->drain();
}

void QuicConnection::finish(std::uint64_t code) {
  if (error_) return;
  ngtcp2_ccerr_set_application_error(&error_.emplace(), code, nullptr, 0);
  flush_.wake();
}

}  // namespace gatehouse
