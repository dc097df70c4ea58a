// Certificates in PEM, one behind the other, as X509. Most certificates of a server have the same few issuers: an
// IssuerPool has each of them once. One thread at a time; start, reload and `gatehouse check` only.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/crypto/x509_handles.h"
#include "common/result.h"

namespace gatehouse {

class IssuerPool {
 public:
  // Returns the certificate of these bytes (DER), made if nobody has it; null if they are none.
  std::shared_ptr<X509> of(std::span<const std::uint8_t> der);
  std::shared_ptr<X509> of(X509Ptr certificate);
  // Forgets those that nobody has any more.
  void forget_unused();
  std::size_t size() const { return known_.size(); }

 private:
  // By SHA-256.
  std::map<std::string, std::shared_ptr<X509>> known_;
};

struct CertificateChain {
  X509Ptr leaf;
  std::vector<std::shared_ptr<X509>> issuers;

  // Errors name `file`, and say how what is no PEM becomes PEM.
  static Result<CertificateChain> read(std::string_view pem, IssuerPool& pool, const std::string& file);
};

}  // namespace gatehouse
