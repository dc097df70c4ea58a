#include "common/crypto/trust_anchors.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/crypto/certificate_store.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_certificate.h"

namespace gatehouse {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing_support::make_certificate;
using testing_support::TemporaryFolder;

std::string reason(std::string_view pem) {
  const auto read = TrustAnchors::parse(pem, "ca.pem");
  return read ? "" : read.error().message;
}

TEST(TrustAnchors, AFileWithoutCertificatesIsNone) {
  const std::string good = make_certificate({.names = {"one"}, .authority = true}).certificate;
  EXPECT_EQ(reason(good), "");
  EXPECT_THAT(reason(""), HasSubstr("ca.pem: there is no certificate in it"));
  EXPECT_THAT(reason("hello\n"), HasSubstr("ca.pem: there is no certificate in it"));
  EXPECT_THAT(reason(make_certificate().private_key), HasSubstr("ca.pem: "));
  EXPECT_THAT(reason(good + good.substr(0, 200)), HasSubstr("ca.pem: a certificate in it cannot be read"));
  EXPECT_THAT(reason("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
              HasSubstr("ca.pem: a certificate in it cannot be read"));
  const TemporaryFolder folder;
  CertificateStore files;
  EXPECT_THAT(files.anchors(folder.path() / "gone.pem").error().message, HasSubstr("gone.pem"));
  EXPECT_TRUE(files.anchors(folder.write("ca.pem", good)).has_value());
}

TEST(TrustAnchors, EachNameIsThereOnceAndTheFingerprintIsOfWhatIsInIt) {
  const std::string one = make_certificate({.names = {"one"}, .authority = true}).certificate;
  const std::string renewed = make_certificate({.names = {"one"}, .authority = true}).certificate;
  const std::string two = make_certificate({.names = {"two"}, .authority = true}).certificate;
  const auto both = *TrustAnchors::parse(one + two + renewed, "ca.pem");
  const TrustAnchors::Names names = both->names();
  ASSERT_EQ(sk_X509_NAME_num(names.get()), 2);
  EXPECT_EQ(text_of(sk_X509_NAME_value(names.get(), 0)), "CN=one");
  EXPECT_EQ(text_of(sk_X509_NAME_value(names.get(), 1)), "CN=two");
  const auto fingerprint = [](const std::string& pem) { return (*TrustAnchors::parse(pem, "ca.pem"))->fingerprint(); };
  EXPECT_EQ(fingerprint("a comment\n" + one), fingerprint(one));
  EXPECT_NE(fingerprint(one), fingerprint(renewed));
  EXPECT_NE(fingerprint(one), fingerprint(one + two));
}

TEST(TrustAnchors, ThoseThatHaveExpiredAreNamed) {
  const std::string old = make_certificate({.names = {"old"}, .valid_for = std::chrono::hours(-1)}).certificate;
  const std::string good = make_certificate({.names = {"good"}}).certificate;
  const auto anchors = *TrustAnchors::parse(good + old, "ca.pem");
  const WallTime now = std::chrono::system_clock::now();
  EXPECT_THAT(anchors->invalid_at(now), ElementsAre("CN=old"));
  EXPECT_THAT(anchors->invalid_at(now - std::chrono::hours(2)), ElementsAre());
  EXPECT_THAT(anchors->invalid_at(now - std::chrono::days(10 * 365)), ElementsAre("CN=good", "CN=old"));
}

}  // namespace
}  // namespace gatehouse
