#include "tests/support/h3_client_state.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstdlib>
#include <string_view>

#include "common/crypto/random.h"

namespace gatehouse::testing_support {

namespace {

using State = H3ClientState;

void insist(bool fine) {
  if (!fine) std::abort();
}

ngtcp2_cid random_id(std::size_t size) {
  ngtcp2_cid id{};
  id.datalen = size;
  random::fill_secure({id.data, size});
  return id;
}

}  // namespace

void H3ClientState::CryptoDeleter::operator()(ngtcp2_crypto_ossl_ctx* handle) const {
  SSL* const ssl = ngtcp2_crypto_ossl_ctx_get_ssl(handle);
  if (ssl != nullptr) SSL_set_app_data(ssl, nullptr);
  ngtcp2_crypto_ossl_ctx_del(handle);
  SSL_free(ssl);
}

H3ClientState::H3ClientState(H3Client::Dependencies wanted) : dependencies(std::move(wanted)) {
  set_up_tls();
  set_up_quic();
}

void H3ClientState::set_up_tls() {
  tls.context.reset(SSL_CTX_new(TLS_client_method()));
  insist(tls.context != nullptr);
  SSL* const ssl = SSL_new(tls.context.get());
  insist(ssl != nullptr && ngtcp2_crypto_ossl_configure_client_session(ssl) == 0);
  SSL_set_connect_state(ssl);
  const std::string alpn = std::string(1, static_cast<char>(dependencies.alpn.size())) + dependencies.alpn;
  SSL_set_alpn_protos(ssl, reinterpret_cast<const unsigned char*>(alpn.data()), static_cast<unsigned>(alpn.size()));
  SSL_set_tlsext_host_name(ssl, dependencies.server_name.c_str());
  ngtcp2_crypto_ossl_ctx* handle = nullptr;
  insist(ngtcp2_crypto_ossl_ctx_new(&handle, ssl) == 0);
  tls.crypto.reset(handle);
  tls.reference = {
      .get_conn = [](ngtcp2_crypto_conn_ref* of) { return static_cast<State*>(of->user_data)->conn.get(); },
      .user_data = this};
  SSL_set_app_data(ssl, &tls.reference);
}

void H3ClientState::set_up_quic() {
  ngtcp2_settings settings;
  ngtcp2_settings_default(&settings);
  settings.initial_ts = now();
  settings.token = dependencies.token.data();
  settings.tokenlen = dependencies.token.size();
  ngtcp2_transport_params params;
  ngtcp2_transport_params_default(&params);
  params.initial_max_stream_data_bidi_local = dependencies.stream_window;
  params.initial_max_stream_data_uni = dependencies.stream_window;
  params.initial_max_data = dependencies.connection_window;
  params.initial_max_streams_uni = 3;
  params.active_connection_id_limit = 7;
  params.max_idle_timeout = static_cast<ngtcp2_duration>(std::chrono::nanoseconds(dependencies.idle_timeout).count());
  const ngtcp2_cid dcid = random_id(18);
  const ngtcp2_cid scid = random_id(8);
  const ngtcp2_path way = path();
  const ngtcp2_callbacks callbacks = transport_callbacks();
  ngtcp2_conn* made = nullptr;
  insist(ngtcp2_conn_client_new(&made, &dcid, &scid, &way, dependencies.version, &callbacks, &settings, &params,
                                nullptr, this) == 0);
  conn.reset(made);
  ngtcp2_conn_set_tls_native_handle(made, tls.crypto.get());
}

bool H3ClientState::set_up_http() {
  const nghttp3_callbacks callbacks = http_callbacks();
  nghttp3_settings settings;
  nghttp3_settings_default(&settings);
  nghttp3_conn* made = nullptr;
  if (nghttp3_conn_client_new(&made, &callbacks, &settings, nullptr, this) != 0) return false;
  http.reset(made);
  std::array<std::int64_t, 3> own{};
  for (std::int64_t& id : own) {
    if (ngtcp2_conn_open_uni_stream(conn.get(), &id, nullptr) != 0) return false;
  }
  return nghttp3_conn_bind_control_stream(made, own[0]) == 0 &&
         nghttp3_conn_bind_qpack_streams(made, own[1], own[2]) == 0;
}

ngtcp2_tstamp H3ClientState::now() const {
  return static_cast<ngtcp2_tstamp>(dependencies.clock.monotonic().time_since_epoch().count());
}

ngtcp2_path H3ClientState::path() const {
  return {
      .local = {.addr = const_cast<sockaddr*>(dependencies.local.data()), .addrlen = dependencies.local.length()},
      .remote = {.addr = const_cast<sockaddr*>(dependencies.server.data()), .addrlen = dependencies.server.length()},
      .user_data = nullptr};
}

void H3ClientState::read(const Incoming& incoming) {
  if (closed || !(incoming.to == dependencies.local)) return;  // what goes to an address that we have left is lost
  const ngtcp2_path* const current = ngtcp2_conn_get_path(conn.get());
  const ngtcp2_pkt_info info{};
  const int status =
      ngtcp2_conn_read_pkt(conn.get(), current, &info, incoming.bytes.data(), incoming.bytes.size(), now());
  if (status != 0) failed(status);
}

void H3ClientState::run_timer() {
  if (closed || ngtcp2_conn_get_expiry(conn.get()) > now()) return;
  const int status = ngtcp2_conn_handle_expiry(conn.get(), now());
  if (status != 0) failed(status);
}

void H3ClientState::failed(int status) {
  if (closed) return;
  if (status == NGTCP2_ERR_DRAINING) {
    const ngtcp2_ccerr* const reason = ngtcp2_conn_get_ccerr(conn.get());
    closed =
        H3Client::Closed{.by_application = reason->type == NGTCP2_CCERR_TYPE_APPLICATION, .code = reason->error_code};
    return;
  }
  closed = H3Client::Closed{.by_application = false, .code = static_cast<std::uint64_t>(-status)};
}

void H3ClientState::emit(const ngtcp2_path& way, const ngtcp2_pkt_info& info, std::span<const std::uint8_t> packet) {
  (void)way;  // a NAT may say otherwise: packets leave from where the test has put us
  dependencies.to_server({.path = {.local = dependencies.server.data(),
                                   .local_length = dependencies.server.length(),
                                   .remote = dependencies.local.data(),
                                   .remote_length = dependencies.local.length()},
                          .ecn = info.ecn,
                          .bytes = packet});
}

bool H3ClientState::write() {
  bool any = write_raw();
  std::array<std::uint8_t, 1452> packet;
  while (!closed) {
    std::int64_t id = -1;
    int fin = 0;
    std::array<nghttp3_vec, 16> parts;
    nghttp3_ssize count = 0;
    if (http && ngtcp2_conn_get_max_data_left(conn.get()) > 0) {
      count = nghttp3_conn_writev_stream(http.get(), &id, &fin, parts.data(), parts.size());
      insist(count >= 0);
    }
    std::array<ngtcp2_vec, 16> vectors;
    for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
      vectors[i] = {.base = parts[i].base, .len = parts[i].len};
    }
    ngtcp2_path_storage way;
    ngtcp2_path_storage_zero(&way);
    ngtcp2_pkt_info info{};
    ngtcp2_ssize taken = -1;
    const std::uint32_t flags =
        NGTCP2_WRITE_STREAM_FLAG_MORE | (fin != 0 ? NGTCP2_WRITE_STREAM_FLAG_FIN : NGTCP2_WRITE_STREAM_FLAG_NONE);
    const ngtcp2_ssize size =
        ngtcp2_conn_writev_stream(conn.get(), &way.path, &info, packet.data(), packet.size(), &taken, flags, id,
                                  vectors.data(), static_cast<std::size_t>(count), now());
    if (taken >= 0) nghttp3_conn_add_write_offset(http.get(), id, static_cast<std::size_t>(taken));
    if (size == NGTCP2_ERR_STREAM_DATA_BLOCKED) {
      nghttp3_conn_block_stream(http.get(), id);
    } else if (size == NGTCP2_ERR_STREAM_SHUT_WR || size == NGTCP2_ERR_STREAM_NOT_FOUND) {
      streams[id].response.stopped = true;
      nghttp3_conn_shutdown_stream_write(http.get(), id);
    } else if (size != NGTCP2_ERR_WRITE_MORE) {
      if (size < 0) failed(static_cast<int>(size));
      if (size <= 0) break;
      emit(way.path, info, std::span(packet).first(static_cast<std::size_t>(size)));
      any = true;
    }
  }
  return any;  // unpaced: the clock stands still while a test waits for an effect
}

bool H3ClientState::write_raw() {
  bool any = false;
  for (const Raw& piece : std::exchange(raw, {})) {
    std::array<std::uint8_t, 1452> packet;
    ngtcp2_path_storage way;
    ngtcp2_path_storage_zero(&way);
    ngtcp2_pkt_info info{};
    ngtcp2_ssize taken = -1;
    const ngtcp2_ssize size =
        ngtcp2_conn_write_stream(conn.get(), &way.path, &info, packet.data(), packet.size(), &taken,
                                 piece.fin ? NGTCP2_WRITE_STREAM_FLAG_FIN : NGTCP2_WRITE_STREAM_FLAG_NONE, piece.id,
                                 piece.bytes.data(), piece.bytes.size(), now());
    insist(size > 0 && taken == static_cast<ngtcp2_ssize>(piece.bytes.size()));
    emit(way.path, info, std::span(packet).first(static_cast<std::size_t>(size)));
    any = true;
  }
  return any;
}

void H3ClientState::credit(std::int64_t stream, std::size_t bytes) {
  ngtcp2_conn_extend_max_stream_offset(conn.get(), stream, bytes);
  ngtcp2_conn_extend_max_offset(conn.get(), bytes);
}

void H3ClientState::received_body(std::int64_t stream, std::size_t bytes) {
  Stream& s = streams[stream];
  if (s.held) {
    s.withheld += bytes;
  } else {
    credit(stream, bytes);
  }
}

void H3ClientState::say_goodbye(std::uint64_t code) {
  ngtcp2_ccerr error;
  ngtcp2_ccerr_set_application_error(&error, code, nullptr, 0);
  std::array<std::uint8_t, 1200> packet;
  ngtcp2_path_storage way;
  ngtcp2_path_storage_zero(&way);
  ngtcp2_pkt_info info{};
  const ngtcp2_ssize size =
      ngtcp2_conn_write_connection_close(conn.get(), &way.path, &info, packet.data(), packet.size(), &error, now());
  closed = H3Client::Closed{.by_application = true, .code = code};
  if (size > 0) emit(way.path, info, std::span(packet).first(static_cast<std::size_t>(size)));
}

std::vector<nghttp3_nv> H3ClientState::pairs(const H3Client::Fields& fields) {
  std::vector<nghttp3_nv> out;
  for (const auto& [name, value] : fields) {
    out.push_back({.name = reinterpret_cast<const std::uint8_t*>(name.data()),
                   .value = reinterpret_cast<const std::uint8_t*>(value.data()),
                   .namelen = name.size(),
                   .valuelen = value.size(),
                   .flags = NGHTTP3_NV_FLAG_NONE});
  }
  return out;
}

nghttp3_ssize H3ClientState::read_body(nghttp3_conn* conn, std::int64_t id, nghttp3_vec* parts, std::size_t /*max*/,
                                       std::uint32_t* flags, void* user, void* /*stream*/) {
  Stream& s = static_cast<State*>(user)->streams.at(id);
  while (!s.pending.empty() && s.pending.front().empty()) s.pending.pop_front();
  std::size_t count = 0;
  if (!s.pending.empty()) {
    std::string& kept = s.offered.emplace_back(std::move(s.pending.front()));
    s.pending.pop_front();
    parts[0] = {.base = reinterpret_cast<std::uint8_t*>(kept.data()), .len = kept.size()};
    count = 1;
  }
  if (s.pending.empty() && s.fin) {
    *flags |= NGHTTP3_DATA_FLAG_EOF;
    if (s.trailers) {
      const auto fields = pairs(*s.trailers);
      if (nghttp3_conn_submit_trailers(conn, id, fields.data(), fields.size()) == 0) {
        *flags |= NGHTTP3_DATA_FLAG_NO_END_STREAM;
      }
    }
  } else if (count == 0) {
    return NGHTTP3_ERR_WOULDBLOCK;
  }
  return static_cast<nghttp3_ssize>(count);
}

}  // namespace gatehouse::testing_support
