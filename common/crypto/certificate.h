// A server certificate: leaf, chain and private key, loaded from PEM and found to belong together. Immutable once made
// and shared by every context that serves it; any thread. Whether it is trusted or still valid is not looked at.
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

  // Reads PEM files of at most 1 MiB each: the leaf first, then its chain; the key of the leaf, without a passphrase.
  // Errors name the file. The text of the key is wiped afterwards.
  static Result<std::shared_ptr<const Certificate>> load(const std::string& chain_file, const std::string& key_file);
  // The same from text; `name` stands for the file in errors. The caller wipes `key`.
  static Result<std::shared_ptr<const Certificate>> parse(std::string_view chain, std::string_view key,
                                                          const std::string& name);

  // DNS names in lower case, wildcards as "*.example.com": those of subjectAltName, or the common name of a certificate
  // that has no subjectAltName.
  const std::vector<std::string>& names() const { return names_; }
  // Whether a name is `host`, or a wildcard for its first label (RFC 9525 section 6.3). REQUIRES: `host` in lower case
  bool covers(std::string_view host) const;
  // Of the leaf.
  WallTime not_before() const { return not_before_; }
  WallTime not_after() const { return not_after_; }
  // Whether each certificate of the chain has issued the one before it, and the leaf's issuer is there unless the leaf
  // is its own. The root need not be there.
  bool chain_complete() const;
  // EVP_PKEY_RSA, EVP_PKEY_EC and so on.
  int key_type() const { return key_type_; }
  // The file of the chain, or the name that stands for it.
  const std::string& file() const { return file_; }

  // Makes it one of the context's certificates, beside those of other key types and in place of one of the same type.
  // False if OpenSSL refuses it.
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
