#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>

#include "common/crypto/random.h"
#include "tests/support/h3_client_state.h"

namespace gatehouse::testing_support {

namespace {

using State = H3ClientState;

State& self(void* user) {
  return *static_cast<State*>(user);
}

std::string text_of(nghttp3_rcbuf* buffer) {
  const nghttp3_vec bytes = nghttp3_rcbuf_get_buf(buffer);
  return {reinterpret_cast<const char*>(bytes.base), bytes.len};
}

// ---- nghttp3 ----

int on_header(nghttp3_conn* /*conn*/, std::int64_t id, std::int32_t token, nghttp3_rcbuf* name, nghttp3_rcbuf* value,
              std::uint8_t /*flags*/, void* user, void* /*stream*/) {
  auto& response = self(user).streams[id].response;
  if (token == NGHTTP3_QPACK_TOKEN__STATUS) {
    if (response.status != 0) response.interim.push_back(response.status);
    response.status = std::atoi(text_of(value).c_str());
    response.fields.clear();
  } else {
    response.fields.emplace_back(text_of(name), text_of(value));
  }
  return 0;
}

int on_trailer(nghttp3_conn* /*conn*/, std::int64_t id, std::int32_t /*token*/, nghttp3_rcbuf* name,
               nghttp3_rcbuf* value, std::uint8_t /*flags*/, void* user, void* /*stream*/) {
  self(user).streams[id].response.trailers.emplace_back(text_of(name), text_of(value));
  return 0;
}

int on_data(nghttp3_conn* /*conn*/, std::int64_t id, const std::uint8_t* data, std::size_t size, void* user,
            void* /*stream*/) {
  self(user).streams[id].response.body.append(reinterpret_cast<const char*>(data), size);
  self(user).received_body(id, size);
  return 0;
}

int on_deferred(nghttp3_conn* /*conn*/, std::int64_t id, std::size_t size, void* user, void* /*stream*/) {
  self(user).credit(id, size);
  return 0;
}

int on_end(nghttp3_conn* /*conn*/, std::int64_t id, void* user, void* /*stream*/) {
  self(user).streams[id].response.ended = true;
  return 0;
}

int on_acked(nghttp3_conn* /*conn*/, std::int64_t id, std::uint64_t size, void* user, void* /*stream*/) {
  self(user).streams[id].acknowledged += static_cast<std::size_t>(size);
  return 0;
}

int on_shutdown(nghttp3_conn* /*conn*/, std::int64_t id, void* user) {
  self(user).goaway = id;
  return 0;
}

void fill(std::uint8_t* out, std::size_t size) {
  random::fill_secure({out, size});
}

// ---- ngtcp2 ----

int on_stream_data(ngtcp2_conn* /*conn*/, std::uint32_t flags, std::int64_t id, std::uint64_t /*offset*/,
                   const std::uint8_t* data, std::size_t size, void* user, void* /*stream*/) {
  auto& s = self(user);
  const bool fin = (flags & NGTCP2_STREAM_DATA_FLAG_FIN) != 0;
  const auto consumed = nghttp3_conn_read_stream2(s.http.get(), id, data, size, fin ? 1 : 0, s.now());
  if (consumed < 0) return NGTCP2_ERR_CALLBACK_FAILURE;
  s.credit(id, static_cast<std::size_t>(consumed));
  return 0;
}

int on_stream_acked(ngtcp2_conn* /*conn*/, std::int64_t id, std::uint64_t /*offset*/, std::uint64_t size, void* user,
                    void* /*stream*/) {
  return nghttp3_conn_add_ack_offset(self(user).http.get(), id, size) == 0 ? 0 : NGTCP2_ERR_CALLBACK_FAILURE;
}

int on_stream_close(ngtcp2_conn* /*conn*/, std::uint32_t flags, std::int64_t id, std::uint64_t code, void* user,
                    void* /*stream*/) {
  if ((flags & NGTCP2_STREAM_CLOSE_FLAG_APP_ERROR_CODE_SET) == 0) code = NGHTTP3_H3_NO_ERROR;
  nghttp3_conn_close_stream(self(user).http.get(), id, code);
  if (const auto found = self(user).streams.find(id); found != self(user).streams.end()) {
    found->second.response.closed = true;
    found->second.response.close_code = code;
  }
  return 0;
}

int on_stream_reset(ngtcp2_conn* /*conn*/, std::int64_t id, std::uint64_t /*final_size*/, std::uint64_t code,
                    void* user, void* /*stream*/) {
  nghttp3_conn_shutdown_stream_read(self(user).http.get(), id);
  self(user).streams[id].response.reset = code;
  return 0;
}

int on_window(ngtcp2_conn* /*conn*/, std::int64_t id, std::uint64_t /*most*/, void* user, void* /*stream*/) {
  nghttp3_conn_unblock_stream(self(user).http.get(), id);
  return 0;
}

int on_key(ngtcp2_conn* /*conn*/, ngtcp2_encryption_level level, void* user) {
  if (level != NGTCP2_ENCRYPTION_LEVEL_1RTT || self(user).set_up_http()) return 0;
  return NGTCP2_ERR_CALLBACK_FAILURE;
}

int on_confirmed(ngtcp2_conn* /*conn*/, void* user) {
  self(user).confirmed = true;
  return 0;
}

int on_new_token(ngtcp2_conn* /*conn*/, const std::uint8_t* token, std::size_t size, void* user) {
  self(user).tokens.emplace_back(token, token + size);
  return 0;
}

int on_stateless_reset(ngtcp2_conn* /*conn*/, const ngtcp2_pkt_stateless_reset2* /*reset*/, void* user) {
  self(user).closed = H3Client::Closed{.by_application = false, .code = H3Client::kResetCode};
  return 0;
}

int on_new_id(ngtcp2_conn* /*conn*/, ngtcp2_cid* id, ngtcp2_stateless_reset_token* token, std::size_t size,
              void* /*user*/) {
  id->datalen = size;
  fill(id->data, size);
  fill(token->data, sizeof token->data);
  return 0;
}

void on_rand(std::uint8_t* out, std::size_t size, const ngtcp2_rand_ctx* /*context*/) {
  fill(out, size);
}

}  // namespace

ngtcp2_callbacks H3ClientState::transport_callbacks() {
  ngtcp2_callbacks c{};
  c.client_initial = ngtcp2_crypto_client_initial_cb;
  c.recv_crypto_data = ngtcp2_crypto_recv_crypto_data_cb;
  c.encrypt = ngtcp2_crypto_encrypt_cb;
  c.decrypt = ngtcp2_crypto_decrypt_cb;
  c.hp_mask = ngtcp2_crypto_hp_mask_cb;
  c.recv_retry = ngtcp2_crypto_recv_retry_cb;
  c.update_key = ngtcp2_crypto_update_key_cb;
  c.delete_crypto_aead_ctx = ngtcp2_crypto_delete_crypto_aead_ctx_cb;
  c.delete_crypto_cipher_ctx = ngtcp2_crypto_delete_crypto_cipher_ctx_cb;
  c.get_path_challenge_data2 = ngtcp2_crypto_get_path_challenge_data2_cb;
  c.version_negotiation = ngtcp2_crypto_version_negotiation_cb;
  c.recv_stream_data = on_stream_data;
  c.acked_stream_data_offset = on_stream_acked;
  c.stream_close = on_stream_close;
  c.stream_reset = on_stream_reset;
  c.extend_max_stream_data = on_window;
  c.recv_rx_key = on_key;
  c.handshake_confirmed = on_confirmed;
  c.recv_new_token = on_new_token;
  c.recv_stateless_reset2 = on_stateless_reset;
  c.get_new_connection_id2 = on_new_id;
  c.rand = on_rand;
  return c;
}

nghttp3_callbacks H3ClientState::http_callbacks() {
  nghttp3_callbacks c{};
  c.recv_header = on_header;
  c.recv_trailer = on_trailer;
  c.recv_data = on_data;
  c.deferred_consume = on_deferred;
  c.end_stream = on_end;
  c.acked_stream_data = on_acked;
  c.shutdown = on_shutdown;
  c.rand = fill;
  return c;
}

}  // namespace gatehouse::testing_support
