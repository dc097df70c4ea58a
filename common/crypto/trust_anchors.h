// Whose signature makes a certificate one to trust: the certificates of a PEM file, CAs as a rule, but a certificate
// itself may be there as well. Immutable once made and shared by every context that verifies by it; any thread. Files are
// read by CertificateStore.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "common/clock.h"
#include "common/crypto/x509_handles.h"
#include "common/result.h"

namespace gatehouse {

class TrustAnchors {
  struct Private {};

 public:
  struct NamesDeleter {
    void operator()(STACK_OF(X509_NAME) * names) const { sk_X509_NAME_pop_free(names, X509_NAME_free); }
  };
  using Names = std::unique_ptr<STACK_OF(X509_NAME), NamesDeleter>;

  // For parse().
  explicit TrustAnchors(Private /*only_parse_makes_one*/) {}

  // Reads PEM. Fails, and names the file, for which `name` stands, if there is no certificate in it, or one that cannot
  // be read.
  static Result<std::shared_ptr<const TrustAnchors>> parse(std::string_view pem, const std::string& name);

  // For OpenSSL, which counts who refers to it. Chains may end at any of the certificates, self-signed or not.
  X509_STORE* store() const { return store_.get(); }
  // The subjects in the order of the file, each once; null: no memory.
  Names names() const;
  // Of the certificates, in the order of the file.
  const std::array<std::uint8_t, 32>& fingerprint() const { return fingerprint_; }
  // Whether each certificate of `others` is here as well.
  bool has_all_of(const TrustAnchors& others) const;
  // The subjects of those that are not valid at `time`, as RFC 2253 writes them.
  std::vector<std::string> invalid_at(WallTime time) const;

 private:
  struct StoreDeleter {
    void operator()(X509_STORE* store) const { X509_STORE_free(store); }
  };
  Result<> read(std::string_view pem, const std::string& name);
  Result<> fill_store();

  std::vector<X509Ptr> certificates_;
  std::unique_ptr<X509_STORE, StoreDeleter> store_;
  // Of each certificate, sorted.
  std::vector<std::string> digests_;
  std::array<std::uint8_t, 32> fingerprint_{};
};

// A name as RFC 2253 writes it: "CN=alice,O=Acme". Empty for an empty name.
std::string text_of(const X509_NAME* name);

}  // namespace gatehouse
