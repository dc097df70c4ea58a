// The inside of H3Client: its libraries' objects, and what their callbacks fill in. Used by h3_client*.cc
// only; one thread.
#pragma once

#include <deque>
#include <map>

#include <nghttp3/nghttp3.h>
#include <ngtcp2/ngtcp2.h>
#include <ngtcp2/ngtcp2_crypto.h>
#include <ngtcp2/ngtcp2_crypto_ossl.h>
#include <openssl/ssl.h>

#include "tests/support/h3_client.h"

namespace gatehouse::testing_support {

struct H3ClientState {
  struct Incoming {
    H3Client::Bytes bytes;
    Address to;
  };
  struct Stream {
    H3Client::Response response;
    std::deque<std::string> pending;  // body not yet shown to nghttp3
    std::deque<std::string> offered;  // shown, kept until the end
    std::size_t acknowledged = 0;
    bool fin = false;
    std::optional<H3Client::Fields> trailers;
    bool held = false;
    std::size_t withheld = 0;
  };
  struct Raw {
    std::int64_t id;
    H3Client::Bytes bytes;
    bool fin;
  };
  struct ConnDeleter {
    void operator()(ngtcp2_conn* handle) const { ngtcp2_conn_del(handle); }
  };
  struct HttpDeleter {
    void operator()(nghttp3_conn* handle) const { nghttp3_conn_del(handle); }
  };
  struct CryptoDeleter {
    void operator()(ngtcp2_crypto_ossl_ctx* handle) const;
  };
  struct ContextDeleter {
    void operator()(SSL_CTX* handle) const { SSL_CTX_free(handle); }
  };

  struct Tls {
    std::unique_ptr<SSL_CTX, ContextDeleter> context;
    ngtcp2_crypto_conn_ref reference{};
    std::unique_ptr<ngtcp2_crypto_ossl_ctx, CryptoDeleter> crypto;
  };

  static ngtcp2_callbacks transport_callbacks();
  static nghttp3_callbacks http_callbacks();

  explicit H3ClientState(H3Client::Dependencies wanted);
  void set_up_tls();
  void set_up_quic();
  bool set_up_http();

  ngtcp2_tstamp now() const;
  ngtcp2_path path() const;
  void read(const Incoming& incoming);
  void run_timer();
  bool write();
  bool write_raw();
  void emit(const ngtcp2_path& way, const ngtcp2_pkt_info& info, std::span<const std::uint8_t> packet);
  void credit(std::int64_t stream, std::size_t bytes);
  void received_body(std::int64_t stream, std::size_t bytes);
  void failed(int status);
  void say_goodbye(std::uint64_t code);

  static std::vector<nghttp3_nv> pairs(const H3Client::Fields& fields);
  static nghttp3_ssize read_body(nghttp3_conn* conn, std::int64_t id, nghttp3_vec* parts, std::size_t max,
                                 std::uint32_t* flags, void* self, void* stream);

  H3Client::Dependencies dependencies;
  std::deque<Incoming> inbox;
  std::map<std::int64_t, Stream> streams;
  std::vector<Raw> raw;
  std::vector<H3Client::Bytes> tokens;
  std::optional<H3Client::Closed> closed;
  std::optional<std::int64_t> goaway;
  bool confirmed = false;
  Tls tls;
  std::unique_ptr<nghttp3_conn, HttpDeleter> http;
  std::unique_ptr<ngtcp2_conn, ConnDeleter> conn;
};

}  // namespace gatehouse::testing_support
