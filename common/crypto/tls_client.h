// What we are to the TLS servers that we connect to: whom we trust, our certificate, TLS 1.2 at least, HTTP/1.1 by ALPN.
// Made when a configuration is read, from files that are not looked at again; immutable and shared by all connections
// that are made with it; any thread. What differs from server to server is in TlsServer (tls_server.h).
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <openssl/ssl.h>

#include "common/result.h"

namespace gatehouse {

class CertificateStore;

class TlsClient {
  struct Private {};

 public:
  struct Options {
    // PEM: the CAs (or certificates themselves) that are trusted; empty: those that this machine trusts.
    std::string ca;
    // The name for SNI and in the certificate; empty: each server's own.
    std::string server_name;
    // A subject alternative name (URI or DNS) that the certificate must have to the letter, instead of the name.
    std::string san;
    // PEM: what we show to servers that ask; both or none.
    std::string certificate;
    std::string private_key;
    // Whatever certificate the server has will do.
    bool insecure = false;
  };

  // Use make().
  TlsClient(Private /*only_make_makes_one*/, Options options) : options_(std::move(options)) {}

  // Takes the files from `files`. Errors name the file.
  static Result<std::shared_ptr<const TlsClient>> make(Options options, CertificateStore& files);

  const Options& options() const { return options_; }
  // Whether it was made of the same options and files with the same content.
  bool same_as(const TlsClient& other) const { return fingerprint_ == other.fingerprint_; }
  SSL_CTX* context() const { return context_.get(); }

 private:
  struct ContextDeleter {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  };

  Result<> set_up(CertificateStore& files);
  Result<> show_certificate(CertificateStore& files);
  void add_to_fingerprint(std::string_view text);
  static int verify(X509_STORE_CTX* chain, void* self);

  const Options options_;
  std::unique_ptr<SSL_CTX, ContextDeleter> context_;
  std::array<std::uint8_t, 32> fingerprint_{};
};

// By the name of what they are for.
using TlsClients = std::map<std::string, std::shared_ptr<const TlsClient>, std::less<>>;

}  // namespace gatehouse
