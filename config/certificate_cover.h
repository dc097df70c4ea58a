// Which hosts of the routes no certificate is for: clients that check certificates refuse them. Takes the certificates
// from a store, changes nothing. Part of validate_machine(), and of `gatehouse doctor`. Any thread.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "common/crypto/certificate_store.h"
#include "config/config.h"
#include "config/diagnostic.h"

namespace gatehouse::config {

// For CertificateStore.
CertificateStore::Files files_of(const CertificateFiles& files);

// Returns one warning for each such host, at its first route; addresses are left out. A certificate of any listener
// will do. Nothing is said if a certificate cannot be read, because nobody knows then what it covers, nor if a
// listener serves without TLS, because a host may be meant for that one.
std::vector<Diagnostic> hosts_without_certificate(const Config& config, CertificateStore& certificates);

// The names of certificates, to ask which hosts they are for.
class CoveredNames {
 public:
  void add(std::string_view name);
  // Whether one of the certificates covers `host` or, if it is a wildcard, any host below it. A wildcard of a
  // certificate is for one label (RFC 9525 section 6.3), one of a route for all that is below.
  bool cover(std::string_view host) const;

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view name) const { return std::hash<std::string_view>()(name); }
  };
  using Names = std::unordered_set<std::string, Hash, std::equal_to<>>;

  Names names_;
  // What names end with, from each of their dots on: ".example.com", ".com".
  Names endings_;
};

}  // namespace gatehouse::config
