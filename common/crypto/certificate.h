// A server certificate: leaf, chain and private key, found to belong together and to be what OpenSSL serves. Immutable
// once made and shared by every listener that serves it; any thread. Whether it is trusted or still valid is not looked
// at. Files are read by CertificateStore.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <openssl/ssl.h>

#include "common/clock.h"
#include "common/crypto/x509_handles.h"
#include "common/result.h"

namespace gatehouse {

class Certificate {
  struct Private {};

 public:
  // What it is made of.
  struct Parts {
    X509Ptr leaf;
    // The leaf's issuer first. Shared, because many certificates have the same.
    std::vector<std::shared_ptr<X509>> issuers;
    KeyPtr key;
  };

  // For make().
  explicit Certificate(Private /*only_make_makes_one*/) {}

  // `name` stands for the file, here and in errors. Fails if the parts do not belong together, and if OpenSSL would not
  // serve them: where a key is too small, or a signature too weak.
  static Result<std::shared_ptr<const Certificate>> make(Parts parts, const std::string& name);
  // The same from PEM: the leaf first, then its chain; the key of the leaf, without a passphrase. The caller wipes
  // `key`.
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
  bool valid_at(WallTime time) const { return not_before_ <= time && time <= not_after_; }
  // From when on it should have been renewed: the last third of its life, the last 14 days at most. Who renews in time
  // has done so by then, whether certificates live for six days or for a year.
  WallTime renewal_due() const;
  // Whether it is the same certificate, in whatever file.
  bool same_leaf(const Certificate& other) const;
  // SHA-256 of leaf and chain.
  const std::array<std::uint8_t, 32>& fingerprint() const { return fingerprint_; }
  // Whether each certificate of the chain has issued the one before it, and the leaf's issuer is there unless the leaf
  // is its own. The root need not be there.
  bool chain_complete() const;
  // EVP_PKEY_RSA, EVP_PKEY_EC and so on.
  int key_type() const { return key_type_; }
  // The file of the chain, or the name that stands for it.
  const std::string& file() const { return file_; }

  // Makes it one of the context's, or of the connection's, certificates, beside those of other key types and in place
  // of one of the same type. False if OpenSSL refuses it.
  [[nodiscard]] bool install(SSL_CTX* context) const;
  [[nodiscard]] bool install(SSL* ssl) const;
  // Whether the client of a connection, as far as its ClientHello says, can use it. REQUIRES: called from the
  // certificate callback of `ssl`, a server's
  bool suits(SSL* ssl) const;

 private:
  void read_names();
  void take_fingerprint();

  X509Ptr leaf_;
  ChainPtr chain_;
  // Those of the chain, kept as others share them.
  std::vector<std::shared_ptr<X509>> issuers_;
  KeyPtr key_;
  std::vector<std::string> names_;
  WallTime not_before_{};
  WallTime not_after_{};
  std::array<std::uint8_t, 32> fingerprint_{};
  int key_type_ = 0;
  std::string file_;
};

}  // namespace gatehouse
