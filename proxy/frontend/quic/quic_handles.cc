#include "proxy/frontend/quic/quic_handles.h"

#include <openssl/ssl.h>

namespace gatehouse {

void QuicCryptoDeleter::operator()(ngtcp2_crypto_ossl_ctx* crypto) const {
  SSL* const ssl = ngtcp2_crypto_ossl_ctx_get_ssl(crypto);
  if (ssl != nullptr) SSL_set_app_data(ssl, nullptr);  // the ngtcp2_conn that it refers to has gone already
  ngtcp2_crypto_ossl_ctx_del(crypto);
  SSL_free(ssl);
}

}  // namespace gatehouse
