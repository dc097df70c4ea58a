#include "proxy/frontend/quic/quic_probe.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <format>
#include <utility>

#include "common/crypto/random.h"
#include "common/event_loop.h"

namespace gatehouse {

namespace {

// On the machine itself an answer takes microseconds: what is lost is sent again soon.
constexpr std::chrono::milliseconds kRoundTrip{50};
constexpr std::size_t kOwnId = 8;
// RFC 9114 section 6.2: less would be no client of HTTP/3.
constexpr std::uint64_t kServersStreams = 3;
constexpr std::uint64_t kWindow = 1024;
constexpr std::size_t kMostPacket = 1500;
// RFC 9000 section 20.1: CRYPTO_ERROR, with an alert of TLS in its last byte.
constexpr std::uint64_t kFirstCryptoError = 0x100;
constexpr std::uint64_t kLastCryptoError = 0x1ff;

struct ContextDeleter {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};

// The key shares are small enough for the hello to fit into one datagram. Null if OpenSSL cannot make one.
SSL_CTX* client_context() {
  static const std::unique_ptr<SSL_CTX, ContextDeleter> kContext = [] {
    std::unique_ptr<SSL_CTX, ContextDeleter> made(SSL_CTX_new(TLS_client_method()));
    const bool fine = made && SSL_CTX_set_min_proto_version(made.get(), TLS1_3_VERSION) == 1 &&
                      SSL_CTX_set1_groups_list(made.get(), "X25519:P-256") == 1;
    if (!fine) made.reset();
    return made;
  }();
  return kContext.get();
}

ngtcp2_cid cid_of(std::span<const std::uint8_t> bytes) {
  ngtcp2_cid cid;
  ngtcp2_cid_init(&cid, bytes.data(), bytes.size());
  return cid;
}

bool is_tls_alert(const ngtcp2_ccerr& error) {
  return error.type == NGTCP2_CCERR_TYPE_TRANSPORT && error.error_code >= kFirstCryptoError &&
         error.error_code <= kLastCryptoError;
}

}  // namespace

struct QuicProbe::Callbacks {
  // It is not read: that it came, and could be opened, is what was asked.
  static int recv_crypto_data(ngtcp2_conn* /*conn*/, ngtcp2_encryption_level /*level*/, std::uint64_t /*offset*/,
                              const std::uint8_t* /*data*/, std::size_t /*size*/, void* user) {
    static_cast<QuicProbe*>(user)->reached_tls_ = true;
    return 0;
  }
  static void rand(std::uint8_t* out, std::size_t size, const ngtcp2_rand_ctx* /*context*/) {
    random::fill_secure({out, size});
  }
  static int get_new_connection_id(ngtcp2_conn* /*conn*/, ngtcp2_cid* id, ngtcp2_stateless_reset_token* token,
                                   std::size_t size, void* /*user*/) {
    id->datalen = size;
    random::fill_secure({id->data, size});
    random::fill_secure(token->data);
    return 0;
  }
  static const ngtcp2_callbacks& table() {
    static const ngtcp2_callbacks kTable = [] {
      ngtcp2_callbacks c{};
      c.client_initial = ngtcp2_crypto_client_initial_cb;
      c.recv_crypto_data = recv_crypto_data;
      c.recv_retry = ngtcp2_crypto_recv_retry_cb;
      c.encrypt = ngtcp2_crypto_encrypt_cb;
      c.decrypt = ngtcp2_crypto_decrypt_cb;
      c.hp_mask = ngtcp2_crypto_hp_mask_cb;
      c.update_key = ngtcp2_crypto_update_key_cb;
      c.delete_crypto_aead_ctx = ngtcp2_crypto_delete_crypto_aead_ctx_cb;
      c.delete_crypto_cipher_ctx = ngtcp2_crypto_delete_crypto_cipher_ctx_cb;
      c.get_path_challenge_data2 = ngtcp2_crypto_get_path_challenge_data2_cb;
      c.version_negotiation = ngtcp2_crypto_version_negotiation_cb;
      c.rand = rand;
      c.get_new_connection_id2 = get_new_connection_id;
      return c;
    }();
    return kTable;
  }
};

QuicProbe::QuicProbe(EventLoop& loop, const Target& target, std::move_only_function<void(Result<>)> done)
    : loop_(loop), done_(std::move(done)), deadline_(loop.now() + kPatience), timer_(loop, [this] { on_timer(); }) {
  auto ready = connect(target);
  if (ready) ready = set_up_tls();
  if (ready) ready = set_up_quic(target);
  if (ready) {
    watcher_ = std::make_unique<IoWatcher>(loop_, socket_.get(), [this](IoEvents) { receive(); });
  } else {
    stillborn_ = std::move(ready).error();
  }
  timer_.arm(Duration::zero());  // sends the first packet, or says that there will be none
}

QuicProbe::~QuicProbe() {
  if (done_ && engine_.conn) say_goodbye();
}

Result<> QuicProbe::connect(const Target& target) {
  way_.remote = target.address;
  socket_ = Fd(::socket(target.address.family(), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  // Connected, it hears that nobody is there (ICMP), and strangers are not heard.
  if (!socket_ || ::connect(socket_.get(), target.address.data(), target.address.length()) != 0) {
    return system_failure("no way to " + target.address.to_string(), errno);
  }
  way_.local = Address::local_of(socket_.get());
  return {};
}

Result<> QuicProbe::set_up_tls() {
  SSL_CTX* const context = client_context();
  SSL* const ssl = context == nullptr ? nullptr : SSL_new(context);
  if (ssl == nullptr) return failure("OpenSSL cannot make a client");
  ngtcp2_crypto_ossl_ctx* crypto = nullptr;
  if (ngtcp2_crypto_ossl_ctx_new(&crypto, ssl) != 0) {
    SSL_free(ssl);
    return failure("ngtcp2 cannot make a client");
  }
  engine_.crypto.reset(crypto);
  constexpr std::array<unsigned char, 3> kAlpn{2, 'h', '3'};
  if (ngtcp2_crypto_ossl_configure_client_session(ssl) != 0 ||
      SSL_set_alpn_protos(ssl, kAlpn.data(), kAlpn.size()) != 0) {
    return failure("OpenSSL cannot make a client");
  }
  SSL_set_connect_state(ssl);
  engine_.reference = {.get_conn =
                           [](ngtcp2_crypto_conn_ref* reference) {
                             return static_cast<QuicProbe*>(reference->user_data)->engine_.conn.get();
                           },
                       .user_data = this};
  SSL_set_app_data(ssl, &engine_.reference);
  return {};
}

Result<> QuicProbe::set_up_quic(const Target& target) {
  ngtcp2_settings settings;
  ngtcp2_settings_default(&settings);
  settings.initial_ts = stamp();
  settings.initial_rtt = nanoseconds(kRoundTrip);
  settings.no_pmtud = 1;
  settings.token = target.token.data();
  settings.tokenlen = target.token.size();
  ngtcp2_transport_params params;
  ngtcp2_transport_params_default(&params);
  params.initial_max_streams_uni = kServersStreams;
  params.initial_max_stream_data_uni = kWindow;
  params.initial_max_data = kServersStreams * kWindow;
  std::array<std::uint8_t, kOwnId> own;
  random::fill_secure(own);
  const ngtcp2_cid scid = cid_of(own);
  const ngtcp2_cid dcid = cid_of(target.id.bytes());
  const ngtcp2_path way = path();
  ngtcp2_conn* conn = nullptr;
  if (ngtcp2_conn_client_new(&conn, &dcid, &scid, &way, NGTCP2_PROTO_VER_V1, &Callbacks::table(), &settings, &params,
                             nullptr, this) != 0) {
    return failure("ngtcp2 cannot make a client");
  }
  engine_.conn.reset(conn);
  ngtcp2_conn_set_tls_native_handle(conn, engine_.crypto.get());
  return {};
}

ngtcp2_path QuicProbe::path() const {
  return {.local = {.addr = const_cast<sockaddr*>(way_.local.data()), .addrlen = way_.local.length()},
          .remote = {.addr = const_cast<sockaddr*>(way_.remote.data()), .addrlen = way_.remote.length()},
          .user_data = nullptr};
}

ngtcp2_tstamp QuicProbe::stamp() const {
  return nanoseconds(loop_.now().time_since_epoch());
}

void QuicProbe::receive() {
  std::array<std::uint8_t, kMostPacket> packet;
  for (;;) {
    const ssize_t size = ::recv(socket_.get(), packet.data(), packet.size(), 0);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && errno == EAGAIN) return send();
    if (size < 0) return end(system_failure("no answer", errno));
    const auto outcome = read(std::span(packet).first(static_cast<std::size_t>(size)));
    if (outcome) return end(*outcome);
  }
}

std::optional<Result<>> QuicProbe::read(std::span<const std::uint8_t> packet) {
  ngtcp2_conn* const conn = engine_.conn.get();
  const ngtcp2_path way = path();
  const ngtcp2_pkt_info info{};
  const int status = ngtcp2_conn_read_pkt(conn, &way, &info, packet.data(), packet.size(), stamp());
  if (reached_tls_) return Result<>();
  if (status == 0) return std::nullopt;
  if (status != NGTCP2_ERR_DRAINING)
    return failure(std::format("what answers is not ours: {}", ngtcp2_strerror(status)));
  const ngtcp2_ccerr error = *ngtcp2_conn_get_ccerr(conn);
  const bool passed = is_tls_alert(error);
  engine_.conn.reset();  // the server has said goodbye already
  if (passed) return Result<>();
  return failure(std::format("the handshake was refused with error {:#x}", error.error_code));
}

void QuicProbe::send() {
  for (;;) {
    ngtcp2_path_storage way;
    ngtcp2_path_storage_zero(&way);
    ngtcp2_pkt_info info{};
    std::array<std::uint8_t, kMostPacket> packet;
    const ngtcp2_ssize size =
        ngtcp2_conn_write_pkt(engine_.conn.get(), &way.path, &info, packet.data(), packet.size(), stamp());
    if (size < 0) return end(failure(ngtcp2_strerror(static_cast<int>(size))));
    if (size == 0) break;
    // What the kernel refuses is lost, as in the network, but for the word that nobody is there: this one sends again.
    if (::send(socket_.get(), packet.data(), static_cast<std::size_t>(size), 0) < 0 && errno == ECONNREFUSED) {
      return end(system_failure("no answer", ECONNREFUSED));
    }
  }
  arm_timer();
}

void QuicProbe::on_timer() {
  if (stillborn_) return end(std::unexpected(*std::move(stillborn_)));
  if (loop_.now() >= deadline_) return end(failure(std::format("no answer within {} ms", kPatience.count())));
  if (ngtcp2_conn_get_expiry(engine_.conn.get()) <= stamp()) {
    const int status = ngtcp2_conn_handle_expiry(engine_.conn.get(), stamp());
    if (status != 0) return end(failure(ngtcp2_strerror(status)));
  }
  send();
}

void QuicProbe::arm_timer() {
  const ngtcp2_tstamp expiry = ngtcp2_conn_get_expiry(engine_.conn.get());
  const auto latest = static_cast<ngtcp2_tstamp>(deadline_.time_since_epoch().count());
  timer_.arm_at(MonotonicTime(std::chrono::nanoseconds(std::min(expiry, latest))));
}

void QuicProbe::say_goodbye() {
  ngtcp2_ccerr error;
  ngtcp2_ccerr_default(&error);
  ngtcp2_path_storage way;
  ngtcp2_path_storage_zero(&way);
  ngtcp2_pkt_info info{};
  std::array<std::uint8_t, kMostPacket> packet;
  const ngtcp2_ssize size = ngtcp2_conn_write_connection_close(engine_.conn.get(), &way.path, &info, packet.data(),
                                                               packet.size(), &error, stamp());
  if (size > 0) ::send(socket_.get(), packet.data(), static_cast<std::size_t>(size), 0);
}

void QuicProbe::end(Result<> outcome) {
  timer_.disarm();
  watcher_.reset();
  if (engine_.conn) say_goodbye();
  std::exchange(done_, nullptr)(std::move(outcome));
}

}  // namespace gatehouse
