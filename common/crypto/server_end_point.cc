#include "common/crypto/server_end_point.h"

#include <array>

#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/x509.h>

namespace gatehouse::server_end_point {

std::string of(const SSL* ssl) {
  const X509* const certificate = SSL_get_certificate(ssl);
  return certificate == nullptr ? std::string() : of(certificate);
}

std::string of(const X509* certificate) {
  int hash = NID_undef;
  // X509_get_signature_info() fills in what it caches, hence the cast.
  X509* const mutable_certificate = const_cast<X509*>(certificate);
  if (X509_get_signature_info(mutable_certificate, &hash, nullptr, nullptr, nullptr) != 1) return {};
  const bool weak = hash == NID_md5 || hash == NID_sha1 || hash == NID_md5_sha1;
  const EVP_MD* const digest = weak ? EVP_sha256() : EVP_get_digestbynid(hash);
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned size = 0;
  if (digest == nullptr || X509_digest(certificate, digest, bytes.data(), &size) != 1) return {};
  return {reinterpret_cast<const char*>(bytes.data()), size};
}

}  // namespace gatehouse::server_end_point
