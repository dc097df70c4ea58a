// A server certificate: leaf, chain and private key, loaded from PEM and found to belong together. Immutable once made
// and shared by every context that serves it; any thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <openssl/ssl.h>

#include "common/clock.h"
#include "common/result.h"

namespace gatehouse {

class Certificate {
  struct Private {};

 public:
  explicit Certificate(Private /*only_parse_makes_one*/) {}

  // PEM files: the leaf first, then its chain; the key of the leaf. Errors name the file.
  static Result<std::shared_ptr<const Certificate>> load(const std::string& chain_file, const std::string& key_file);
  // The same from text; `name` stands for the file in errors.
  static Result<std::shared_ptr<const Certificate>> parse(std::string_view chain, std::string_view key,
                                                          const std::string& name);

  // DNS names (subjectAltName, or the common name where there is none), lower case, wildcards as "*.example.com".
  const std::vector<std::string>& names() const { return names_; }
  bool covers(std::string_view host) const;  // exactly, or by a wildcard for its first label; `host` in lower case
  WallTime not_before() const { return not_before_; }
  WallTime not_after() const { return not_after_; }
  // Each certificate of the chain has issued the one before it, and the leaf's issuer is there unless it is its own.
  bool chain_complete() const;
  int key_type() const { return key_type_; }  // EVP_PKEY_RSA, EVP_PKEY_EC, ...
  const std::string& file() const { return file_; }

  // Makes it one of the context's certificates, beside those of other key types. False if OpenSSL refuses it.
  [[nodiscard]] bool install(SSL_CTX* context) const;

 private:
  struct X509Deleter {
    void operator()(X509* certificate) const { X509_free(certificate); }
  };
  struct KeyDeleter {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  };
  struct ChainDeleter {
    void operator()(STACK_OF(X509) * chain) const { sk_X509_pop_free(chain, X509_free); }
  };

  Result<> read_chain(std::string_view pem);
  Result<> read_key(std::string_view pem);
  void read_names();

  std::unique_ptr<X509, X509Deleter> leaf_;
  std::unique_ptr<STACK_OF(X509), ChainDeleter> chain_;
  std::unique_ptr<EVP_PKEY, KeyDeleter> key_;
  std::vector<std::string> names_;
  WallTime not_before_{};
  WallTime not_after_{};
  int key_type_ = 0;
  std::string file_;
};

}  // namespace gatehouse
