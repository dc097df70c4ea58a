#include "common/crypto/server_end_point.h"

#include <array>
#include <string>

#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "common/crypto/x509_handles.h"
#include "tests/support/test_certificate.h"

namespace gatehouse {
namespace {

X509Ptr read(const std::string& pem) {
  return X509Ptr(PEM_read_bio_X509(bio_of(pem).get(), nullptr, nullptr, nullptr));
}

std::string sha256_of(const X509* certificate) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned size = 0;
  X509_digest(certificate, EVP_sha256(), bytes.data(), &size);
  return {reinterpret_cast<const char*>(bytes.data()), size};
}

// What test_certificate signs it signs with SHA-256.
TEST(ServerEndPoint, IsTheDigestByTheHashOfTheSignature) {
  using Key = testing_support::TestCertificate::Key;
  for (const Key key : {Key::kEcdsa, Key::kRsa}) {
    const X509Ptr certificate = read(testing_support::make_certificate({.key = key}).certificate);
    ASSERT_TRUE(certificate);
    EXPECT_EQ(server_end_point::of(certificate.get()).size(), 32U);
    EXPECT_EQ(server_end_point::of(certificate.get()), sha256_of(certificate.get()));
  }
}

TEST(ServerEndPoint, DiffersFromCertificateToCertificate) {
  const X509Ptr one = read(testing_support::make_certificate().certificate);
  const X509Ptr other = read(testing_support::make_certificate().certificate);
  EXPECT_NE(server_end_point::of(one.get()), server_end_point::of(other.get()));
}

// Ed25519 has no hash that RFC 5929 could mean; a hash of a signature that is broken is not used.
TEST(ServerEndPoint, FollowsTheHashThatSigned) {
  const KeyPtr rsa(EVP_RSA_gen(2048));
  const KeyPtr edwards(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  const auto signed_by = [](EVP_PKEY* key, const EVP_MD* hash) {
    X509Ptr certificate(X509_new());
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 60);
    X509_set_pubkey(certificate.get(), key);
    X509_sign(certificate.get(), key, hash);
    return certificate;
  };
  EXPECT_EQ(server_end_point::of(signed_by(edwards.get(), nullptr).get()), "");
  EXPECT_EQ(server_end_point::of(signed_by(rsa.get(), EVP_sha384()).get()).size(), 48U);
  const X509Ptr weak = signed_by(rsa.get(), EVP_sha1());
  EXPECT_EQ(server_end_point::of(weak.get()), sha256_of(weak.get()));
}

}  // namespace
}  // namespace gatehouse
