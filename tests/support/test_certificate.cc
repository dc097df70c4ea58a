#include "tests/support/test_certificate.h"

#include <cstddef>
#include <memory>

#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

namespace gatehouse::testing_support {

namespace {

struct Deleter {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(X509_EXTENSION* extension) const { X509_EXTENSION_free(extension); }
};
template <class T>
using Handle = std::unique_ptr<T, Deleter>;

std::string text_of(BIO* bio) {
  const char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

Handle<BIO> bio_of(const std::string& text) {
  return Handle<BIO>(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

void add_extension(X509* certificate, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  const Handle<X509_EXTENSION> extension(X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
  EXPECT_EQ(X509_add_ext(certificate, extension.get(), -1), 1);
}

void describe(X509* certificate, const TestCertificate& wanted) {
  if (wanted.subject) {
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(wanted.names.at(0).c_str()), -1, -1, 0);
  }
  std::string alternatives;
  for (const std::string& name : wanted.names) alternatives += (alternatives.empty() ? "DNS:" : ",DNS:") + name;
  if (!wanted.authority) add_extension(certificate, NID_subject_alt_name, alternatives);
  if (wanted.authority) {
    add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE");
    add_extension(certificate, NID_key_usage, "critical,keyCertSign");
  }
  if (wanted.usage != nullptr) add_extension(certificate, NID_ext_key_usage, wanted.usage);
}

// By its issuer, or by itself.
void sign(X509* certificate, EVP_PKEY* own, const PemPair* issuer) {
  if (issuer == nullptr) {
    X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
    EXPECT_GT(X509_sign(certificate, own, EVP_sha256()), 0);
    return;
  }
  const Handle<X509> signer(PEM_read_bio_X509(bio_of(issuer->certificate).get(), nullptr, nullptr, nullptr));
  const Handle<EVP_PKEY> key(PEM_read_bio_PrivateKey(bio_of(issuer->private_key).get(), nullptr, nullptr, nullptr));
  X509_set_issuer_name(certificate, X509_get_subject_name(signer.get()));
  EXPECT_GT(X509_sign(certificate, key.get(), EVP_sha256()), 0);
}

}  // namespace

PemPair make_certificate(const TestCertificate& wanted) {
  const Handle<EVP_PKEY> key(wanted.key == TestCertificate::Key::kRsa
                                 ? EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", wanted.rsa_bits)
                                 : EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
  const Handle<X509> certificate(X509_new());
  unsigned char serial[8] = {};
  RAND_bytes(serial, sizeof serial);
  serial[0] = static_cast<unsigned char>((serial[0] & 0x3FU) | 0x40U);  // positive
  ASN1_STRING_set(X509_get_serialNumber(certificate.get()), serial, sizeof serial);
  X509_set_version(certificate.get(), X509_VERSION_3);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -static_cast<long>(wanted.age.count()));
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), static_cast<long>(wanted.valid_for.count()));
  X509_set_pubkey(certificate.get(), key.get());
  describe(certificate.get(), wanted);
  sign(certificate.get(), key.get(), wanted.issuer);

  const Handle<BIO> certificate_text(BIO_new(BIO_s_mem()));
  const Handle<BIO> key_text(BIO_new(BIO_s_mem()));
  EXPECT_EQ(PEM_write_bio_X509(certificate_text.get(), certificate.get()), 1);
  EXPECT_EQ(PEM_write_bio_PrivateKey(key_text.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr), 1);
  return {.certificate = text_of(certificate_text.get()), .private_key = text_of(key_text.get())};
}

}  // namespace gatehouse::testing_support
