#include "proxy/frontend/quic/quic_callbacks.h"

#include <cstddef>
#include <cstdint>

#include <ngtcp2/ngtcp2_crypto.h>

#include "common/crypto/random.h"
#include "proxy/frontend/quic/quic_connection.h"
#include "proxy/frontend/quic/quic_dispatch.h"
#include "proxy/frontend/quic/quic_opened_packet.h"

namespace gatehouse {

namespace {

constexpr int kFailed = NGTCP2_ERR_CALLBACK_FAILURE;

bool is_uni(std::int64_t stream) {
  return ngtcp2_is_bidi_stream(stream) == 0;
}

}  // namespace

struct QuicCallbacks {
  static QuicConnection& self(void* connection) { return *static_cast<QuicConnection*>(connection); }
  static int status(bool fine) { return fine ? 0 : kFailed; }

  static int decrypt(std::uint8_t* into, const ngtcp2_crypto_aead* aead, const ngtcp2_crypto_aead_ctx* key,
                     const std::uint8_t* sealed, std::size_t size, const std::uint8_t* nonce, std::size_t nonce_size,
                     const std::uint8_t* header, std::size_t header_size) {
    const int outcome = ngtcp2_crypto_decrypt_cb(into, aead, key, sealed, size, nonce, nonce_size, header, header_size);
    if (outcome == 0) QuicOpenedPacket::note({into, size - aead->max_overhead});
    return outcome;
  }
  static int recv_stream_data(ngtcp2_conn* /*conn*/, std::uint32_t flags, std::int64_t stream, std::uint64_t /*offset*/,
                              const std::uint8_t* data, std::size_t size, void* user, void* /*stream_user*/) {
    auto& c = self(user);
    const bool fin = (flags & NGTCP2_STREAM_DATA_FLAG_FIN) != 0;
    return status(c.session_ && c.outcome(c.session_->received(stream, {data, size}, fin)));
  }
  static int acked_stream_data(ngtcp2_conn* /*conn*/, std::int64_t stream, std::uint64_t /*offset*/, std::uint64_t size,
                               void* user, void* /*stream_user*/) {
    auto& c = self(user);
    return status(!c.session_ || c.outcome(c.session_->acknowledged(stream, size)));
  }
  static int stream_open(ngtcp2_conn* /*conn*/, std::int64_t stream, void* user) {
    auto& c = self(user);
    if (c.session_ && !is_uni(stream)) c.session_->opened(stream);
    return status(c.session_ != nullptr);
  }
  static int stream_close(ngtcp2_conn* conn, std::uint32_t flags, std::int64_t stream, std::uint64_t code, void* user,
                          void* /*stream_user*/) {
    auto& c = self(user);
    if ((flags & NGTCP2_STREAM_CLOSE_FLAG_APP_ERROR_CODE_SET) == 0) code = NGHTTP3_H3_NO_ERROR;
    if (c.session_ && !c.outcome(c.session_->closed(stream, code))) return kFailed;
    if (ngtcp2_conn_is_local_stream(conn, stream) != 0) return 0;
    if (is_uni(stream)) {
      ngtcp2_conn_extend_max_streams_uni(conn, 1);
    } else {
      ngtcp2_conn_extend_max_streams_bidi(conn, 1);  // only now: its exchange has gone, and with it all work above
    }
    return 0;
  }
  static int stream_reset(ngtcp2_conn* /*conn*/, std::int64_t stream, std::uint64_t /*final_size*/,
                          std::uint64_t /*code*/, void* user, void* /*stream_user*/) {
    if (auto& c = self(user); c.session_) c.session_->client_reset(stream);
    return 0;
  }
  static int extend_max_stream_data(ngtcp2_conn* /*conn*/, std::int64_t stream, std::uint64_t /*most*/, void* user,
                                    void* /*stream_user*/) {
    if (auto& c = self(user); c.session_) c.session_->unblocked(stream);
    return 0;
  }
  static int recv_tx_key(ngtcp2_conn* /*conn*/, ngtcp2_encryption_level level, void* user) {
    return status(level != NGTCP2_ENCRYPTION_LEVEL_1RTT || self(user).start_session());
  }
  static int handshake_completed(ngtcp2_conn* /*conn*/, void* user) { return status(self(user).handshake_completed()); }
  static void rand(std::uint8_t* out, std::size_t size, const ngtcp2_rand_ctx* /*context*/) {
    random::fill_secure({out, size});
  }
  static int get_new_connection_id(ngtcp2_conn* /*conn*/, ngtcp2_cid* id, ngtcp2_stateless_reset_token* token,
                                   std::size_t size, void* user) {
    auto& c = self(user);
    if (c.dispatch_ == nullptr || size != c.environment().options.ids.length()) return kFailed;
    const QuicId made = c.dispatch_->make_id();
    ngtcp2_cid_init(id, made.data.data(), made.size);
    c.environment().tokens.reset_token(token->data, *id);
    c.dispatch_->add(*id, c);
    return 0;
  }
  static int remove_connection_id(ngtcp2_conn* /*conn*/, const ngtcp2_cid* id, void* user) {
    if (auto& c = self(user); c.dispatch_ != nullptr) c.dispatch_->remove(*id);
    return 0;
  }
  static int path_validation(ngtcp2_conn* /*conn*/, std::uint32_t flags, const ngtcp2_path* path,
                             const ngtcp2_path* /*fallback*/, ngtcp2_path_validation_result result, void* user) {
    if (result != NGTCP2_PATH_VALIDATION_RESULT_SUCCESS) return 0;
    self(user).path_validated(*path, (flags & NGTCP2_PATH_VALIDATION_FLAG_NEW_TOKEN) != 0);
    return 0;
  }
};

const ngtcp2_callbacks& quic_callbacks() {
  static const ngtcp2_callbacks kCallbacks = [] {
    ngtcp2_callbacks c{};
    c.recv_client_initial = ngtcp2_crypto_recv_client_initial_cb;
    c.recv_crypto_data = ngtcp2_crypto_recv_crypto_data_cb;
    c.encrypt = ngtcp2_crypto_encrypt_cb;
    c.decrypt = QuicCallbacks::decrypt;
    c.hp_mask = ngtcp2_crypto_hp_mask_cb;
    c.update_key = ngtcp2_crypto_update_key_cb;
    c.delete_crypto_aead_ctx = ngtcp2_crypto_delete_crypto_aead_ctx_cb;
    c.delete_crypto_cipher_ctx = ngtcp2_crypto_delete_crypto_cipher_ctx_cb;
    c.get_path_challenge_data2 = ngtcp2_crypto_get_path_challenge_data2_cb;
    c.version_negotiation = ngtcp2_crypto_version_negotiation_cb;
    c.recv_stream_data = QuicCallbacks::recv_stream_data;
    c.acked_stream_data_offset = QuicCallbacks::acked_stream_data;
    c.stream_open = QuicCallbacks::stream_open;
    c.stream_close = QuicCallbacks::stream_close;
    c.stream_reset = QuicCallbacks::stream_reset;
    c.extend_max_stream_data = QuicCallbacks::extend_max_stream_data;
    c.recv_tx_key = QuicCallbacks::recv_tx_key;
    c.handshake_completed = QuicCallbacks::handshake_completed;
    c.rand = QuicCallbacks::rand;
    c.get_new_connection_id2 = QuicCallbacks::get_new_connection_id;
    c.remove_connection_id = QuicCallbacks::remove_connection_id;
    c.path_validation = QuicCallbacks::path_validation;
    return c;
  }();
  return kCallbacks;
}

}  // namespace gatehouse
