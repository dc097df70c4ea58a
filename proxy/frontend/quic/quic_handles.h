// What frees the handles of ngtcp2 and of its TLS, for connections of clients and for probes of our own, and times as
// ngtcp2 has them. The connection is
// freed before its TLS: members of their owners in that order. One loop's thread.
#pragma once

#include <memory>

#include <ngtcp2/ngtcp2.h>
#include <ngtcp2/ngtcp2_crypto_ossl.h>

#include "common/clock.h"

namespace gatehouse {

struct QuicConnDeleter {
  void operator()(ngtcp2_conn* conn) const { ngtcp2_conn_del(conn); }
};
using QuicConnPtr = std::unique_ptr<ngtcp2_conn, QuicConnDeleter>;

// Frees the SSL as well.
struct QuicCryptoDeleter {
  void operator()(ngtcp2_crypto_ossl_ctx* crypto) const;
};
using QuicCryptoPtr = std::unique_ptr<ngtcp2_crypto_ossl_ctx, QuicCryptoDeleter>;

inline ngtcp2_duration nanoseconds(Duration duration) {
  return static_cast<ngtcp2_duration>(duration.count());
}

}  // namespace gatehouse
