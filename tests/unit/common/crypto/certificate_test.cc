// What is made of a certificate's files, whatever they are written in, and what is refused with what to do instead.
#include "common/crypto/certificate.h"

#include <chrono>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>

#include "common/crypto/certificate_store.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_certificate.h"

namespace gatehouse {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing_support::make_certificate;
using testing_support::PemPair;
using testing_support::TemporaryFolder;
using testing_support::TestCertificate;

constexpr const char* kPassphrase = "correct horse";

std::shared_ptr<const Certificate> certificate(const TestCertificate& wanted) {
  const PemPair pem = make_certificate(wanted);
  return Certificate::parse(pem.certificate, pem.private_key, "cert.pem").value();
}

std::string text_of(BIO* bio) {
  const char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

X509Ptr x509_of(const std::string& pem) {
  return X509Ptr(PEM_read_bio_X509(bio_of(pem).get(), nullptr, nullptr, nullptr));
}

KeyPtr key_of(const std::string& pem) {
  return KeyPtr(PEM_read_bio_PrivateKey(bio_of(pem).get(), nullptr, nullptr, nullptr));
}

std::string der_of(const X509* certificate) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  i2d_X509_bio(bio.get(), certificate);
  return text_of(bio.get());
}

std::string encrypted(const std::string& pem) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_PKCS8PrivateKey(bio.get(), key_of(pem).get(), EVP_aes_256_cbc(), kPassphrase,
                                static_cast<int>(std::string_view(kPassphrase).size()), nullptr, nullptr);
  return text_of(bio.get());
}

// With the issuers of `chain`, in its order.
std::string pkcs12_of(const PemPair& pair, const std::vector<std::string>& chain, const char* passphrase) {
  const ChainPtr others(sk_X509_new_null());
  for (const std::string& each : chain) sk_X509_push(others.get(), x509_of(each).release());
  PKCS12* const bag = PKCS12_create(passphrase, nullptr, key_of(pair.private_key).get(),
                                    x509_of(pair.certificate).get(), others.get(), 0, 0, 0, 0, 0);
  const BioPtr bio(BIO_new(BIO_s_mem()));
  i2d_PKCS12_bio(bio.get(), bag);
  PKCS12_free(bag);
  return text_of(bio.get());
}

class CertificateFilesTest : public testing::Test {
 protected:
  // Each time as if nothing was known.
  Result<std::shared_ptr<const Certificate>> load(const CertificateStore::Files& files) {
    store.begin();
    return store.certificate(files);
  }
  std::string reason(const CertificateStore::Files& files) {
    const auto made = load(files);
    return made ? "" : made.error().message;
  }
  const TemporaryFolder folder;
  const PemPair pem = make_certificate({.names = {"shop.example"}});
  const std::string cert = folder.write("cert.pem", pem.certificate);
  const std::string key = folder.write("key.pem", pem.private_key);
  const std::string right = folder.write("right", std::string(kPassphrase) + "\r\nsecond line\n");
  const std::string wrong = folder.write("wrong", "battery staple\n");
  CertificateStore store;
};

TEST(CertificateTest, WhatDoesNotFitTogetherIsRefusedWithAReason) {
  const PemPair one = make_certificate();
  const PemPair other = make_certificate();
  const auto mismatch = Certificate::parse(one.certificate, other.private_key, "cert.pem");
  ASSERT_FALSE(mismatch.has_value());
  EXPECT_THAT(mismatch.error().message, HasSubstr("does not belong"));
  EXPECT_FALSE(Certificate::parse("", one.private_key, "cert.pem").has_value());
  EXPECT_FALSE(Certificate::parse(one.certificate, "not a key", "cert.pem").has_value());
  EXPECT_FALSE(Certificate::parse(one.certificate.substr(0, 200), one.private_key, "cert.pem").has_value());
}

TEST(CertificateTest, AWildcardCoversOneLabel) {
  const auto made = certificate({.names = {"*.example.com"}});
  EXPECT_TRUE(made->covers("shop.example.com"));
  EXPECT_FALSE(made->covers("example.com"));
  EXPECT_FALSE(made->covers("a.b.example.com"));
  EXPECT_FALSE(made->covers(".example.com"));
}

// Six days are as good as ninety, where they are renewed in time.
TEST(CertificateTest, RenewalIsDueInTheLastThirdOrTheLastFortnight) {
  const auto before_the_end = [](std::chrono::seconds age, std::chrono::seconds left) {
    const auto made = certificate({.valid_for = left, .age = age});
    return std::chrono::duration_cast<std::chrono::hours>(made->not_after() - made->renewal_due());
  };
  EXPECT_EQ(before_the_end(24h, 24h * 5), 24h * 2);
  EXPECT_EQ(before_the_end(24h * 20, 24h * 10), 24h * 10);
  EXPECT_EQ(before_the_end(24h, 24h * 89), 24h * 14);
  EXPECT_EQ(before_the_end(24h, 24h * 397), 24h * 14);
}

TEST_F(CertificateFilesTest, AKeyThatIsTooSmallIsRefusedWithWhatToDo) {
  const PemPair small = make_certificate({.key = TestCertificate::Key::kRsa, .rsa_bits = 1024});
  EXPECT_THAT(reason({folder.write("small.pem", small.certificate), folder.write("small-key.pem", small.private_key)}),
              AllOf(HasSubstr("small.pem: its key of 1024 bits is too small"), HasSubstr("openssl genpkey")));
}

TEST_F(CertificateFilesTest, Pkcs12HasItAllAndIsPutInOrder) {
  const PemPair root = make_certificate({.names = {"root"}, .authority = true});
  const PemPair middle = make_certificate({.names = {"middle"}, .issuer = &root, .authority = true});
  const PemPair leaf = make_certificate({.names = {"shop.example"}, .issuer = &middle});
  const std::string site =
      folder.write("site.p12", pkcs12_of(leaf, {root.certificate, middle.certificate}, kPassphrase));
  const auto made = load({site, "", right});
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_TRUE((*made)->chain_complete());
  EXPECT_TRUE((*made)->covers("shop.example"));
  EXPECT_EQ((*made)->file(), site);
  const std::string open = folder.write("open.p12", pkcs12_of(leaf, {}, ""));
  EXPECT_EQ(reason({open, ""}), "");
}

TEST_F(CertificateFilesTest, WhatAPassphraseClosesIsNotOpenedByAnother) {
  const std::string site = folder.write("site.p12", pkcs12_of(pem, {}, kPassphrase));
  EXPECT_EQ(reason({site, ""}), site + ": it has a passphrase; name a file that holds it in passphrase_file");
  EXPECT_EQ(reason({site, "", wrong}), site + ": the passphrase does not open it");
  EXPECT_THAT(reason({site, "", "/nonexistent"}), HasSubstr("/nonexistent"));
  EXPECT_THAT(reason({cert, ""}), HasSubstr("it is no PKCS#12; name the file of its key in private_key"));
}

TEST_F(CertificateFilesTest, AnEncryptedKeyIsOpenedByItsPassphrase) {
  const std::string closed = folder.write("closed.pem", encrypted(pem.private_key));
  EXPECT_EQ(reason({cert, closed, right}), "");
  EXPECT_EQ(reason({cert, closed, wrong}), closed + ": the passphrase does not open the private key");
  EXPECT_THAT(reason({cert, closed}), AllOf(HasSubstr(closed + ": the private key is encrypted"),
                                            HasSubstr("passphrase_file"), HasSubstr("`openssl pkey -in")));
  EXPECT_EQ(reason({cert, key, right}), "") << "one that needs none does not mind";
  for (const std::string& opener : {wrong, right}) {
    EXPECT_THAT(reason({cert, closed, opener}), AllOf(Not(HasSubstr("battery")), Not(HasSubstr("horse"))));
  }
}

TEST_F(CertificateFilesTest, WhatIsNotPemIsToldHowItBecomesPem) {
  const X509Ptr leaf = x509_of(pem.certificate);
  const std::string der = folder.write("cert.der", der_of(leaf.get()));
  EXPECT_EQ(reason({der, key}), der + ": no certificate in it: it is DER; `openssl x509 -inform DER -in " + der +
                                    " -out NEW.pem` makes PEM of it");
  const BioPtr bio(BIO_new(BIO_s_mem()));
  i2d_PrivateKey_bio(bio.get(), key_of(pem.private_key).get());
  const std::string der_key = folder.write("key.der", text_of(bio.get()));
  EXPECT_THAT(reason({cert, der_key}), HasSubstr("`openssl pkey -inform DER -in " + der_key));
  const std::string site = folder.write("site.crt", pkcs12_of(pem, {}, kPassphrase));
  EXPECT_THAT(reason({site, key}), AllOf(HasSubstr("it is PKCS#12"), HasSubstr(".p12"), HasSubstr("openssl pkcs12")));
  EXPECT_THAT(reason({cert, site}), HasSubstr("it is PKCS#12"));
}

}  // namespace
}  // namespace gatehouse
