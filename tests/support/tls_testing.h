// TLS for tests: contexts with a key and certificate made on the spot, and a client end that works on memory, so that a
// test decides which bytes travel when. Everything belongs to the test's thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "common/crypto/tls_stream.h"
#include "tests/support/test_certificate.h"

namespace gatehouse::testing_support {

struct ContextDeleter {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using ContextPtr = std::unique_ptr<SSL_CTX, ContextDeleter>;

// For "localhost"; `version` is TLS1_2_VERSION or TLS1_3_VERSION, no other is spoken.
inline ContextPtr server_context(int version) {
  struct BioDeleter {
    void operator()(BIO* bio) const { BIO_free(bio); }
  };
  struct KeyDeleter {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  };
  struct CertificateDeleter {
    void operator()(X509* certificate) const { X509_free(certificate); }
  };
  static const PemPair kPem = make_certificate();
  const std::unique_ptr<BIO, BioDeleter> certificate_text(BIO_new_mem_buf(kPem.certificate.data(), -1));
  const std::unique_ptr<BIO, BioDeleter> key_text(BIO_new_mem_buf(kPem.private_key.data(), -1));
  const std::unique_ptr<X509, CertificateDeleter> certificate(
      PEM_read_bio_X509(certificate_text.get(), nullptr, nullptr, nullptr));
  const std::unique_ptr<EVP_PKEY, KeyDeleter> key(PEM_read_bio_PrivateKey(key_text.get(), nullptr, nullptr, nullptr));
  ContextPtr context(SSL_CTX_new(TLS_server_method()));
  EXPECT_EQ(SSL_CTX_set_min_proto_version(context.get(), version), 1);
  EXPECT_EQ(SSL_CTX_set_max_proto_version(context.get(), version), 1);
  EXPECT_EQ(SSL_CTX_use_certificate(context.get(), certificate.get()), 1);
  EXPECT_EQ(SSL_CTX_use_PrivateKey(context.get(), key.get()), 1);
  return context;
}

inline ContextPtr client_context() {
  return ContextPtr(SSL_CTX_new(TLS_client_method()));
}

inline TlsStream::SslPtr server_ssl(SSL_CTX& context) {
  TlsStream::SslPtr ssl(SSL_new(&context));
  SSL_set_accept_state(ssl.get());
  return ssl;
}

inline TlsStream::SslPtr client_ssl(SSL_CTX& context) {
  TlsStream::SslPtr ssl(SSL_new(&context));
  SSL_set_connect_state(ssl.get());
  return ssl;
}

// A TLS client without a socket: what it wants to send is taken from it, what it shall receive is given to it.
class MemoryClient {
 public:
  explicit MemoryClient(SSL_CTX& context) : ssl_(client_ssl(context)) {
    SSL_set_bio(ssl_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  }

  bool handshake() { return SSL_do_handshake(ssl_.get()) == 1; }
  void send(std::string_view text) {
    EXPECT_EQ(SSL_write(ssl_.get(), text.data(), static_cast<int>(text.size())), static_cast<int>(text.size()));
  }
  void close_notify() { EXPECT_GE(SSL_shutdown(ssl_.get()), 0); }

  std::string take_wire() {
    BIO* out = SSL_get_wbio(ssl_.get());
    std::string bytes(BIO_ctrl_pending(out), '\0');
    if (bytes.empty()) return bytes;
    EXPECT_EQ(BIO_read(out, bytes.data(), static_cast<int>(bytes.size())), std::ssize(bytes));
    return bytes;
  }
  void give_wire(std::string_view bytes) {
    if (bytes.empty()) return;
    EXPECT_EQ(BIO_write(SSL_get_rbio(ssl_.get()), bytes.data(), static_cast<int>(bytes.size())), std::ssize(bytes));
  }
  // Decrypts what was given.
  std::string receive() {
    std::string text;
    char piece[16384];
    int count = 0;
    while ((count = SSL_read(ssl_.get(), piece, sizeof piece)) > 0) text.append(piece, static_cast<std::size_t>(count));
    return text;
  }
  bool saw_close_notify() const { return (SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) != 0; }
  SSL* ssl() { return ssl_.get(); }

 private:
  TlsStream::SslPtr ssl_;
};

// The payload lengths of the records in `wire`, frame excluded; REQUIRES: whole records.
inline std::vector<std::size_t> record_lengths(std::string_view wire) {
  std::vector<std::size_t> lengths;
  while (wire.size() >= 5) {
    const auto byte = [&](std::size_t i) { return static_cast<std::size_t>(static_cast<unsigned char>(wire[i])); };
    lengths.push_back(byte(3) << 8U | byte(4));
    wire.remove_prefix(std::min(wire.size(), 5 + lengths.back()));
  }
  EXPECT_TRUE(wire.empty());
  return lengths;
}

}  // namespace gatehouse::testing_support
