// Which files are read, and which are known: by counts, not by time.
#include "common/crypto/certificate_store.h"

#include <filesystem>
#include <memory>
#include <stop_token>
#include <string>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/temporary_folder.h"
#include "tests/support/test_certificate.h"

namespace gatehouse {
namespace {

using testing::HasSubstr;
using testing_support::make_certificate;
using testing_support::PemPair;
using testing_support::TemporaryFolder;

class CertificateStoreTest : public testing::Test {
 protected:
  CertificateStore::Files write(const std::string& name, const PemPair& pem) {
    return {.certificate = folder.write(name + ".pem", pem.certificate),
            .private_key = folder.write(name + "-key.pem", pem.private_key)};
  }
  // The clock of the file system is past the step in which the file was written.
  static void settle(const std::string& file) {
    while (!FileVersion::of(file).settled()) std::this_thread::yield();
  }
  static void settle(const CertificateStore::Files& files) {
    settle(files.certificate);
    settle(files.private_key);
  }
  std::shared_ptr<const Certificate> load(const CertificateStore::Files& files) {
    const auto made = store.certificate(files);
    EXPECT_TRUE(made) << made.error().message;
    return made.value_or(nullptr);
  }
  void expect_counts(std::uint64_t read, std::uint64_t known) {
    EXPECT_EQ(store.counts().files_read, read);
    EXPECT_EQ(store.counts().files_known, known);
  }

  const TemporaryFolder folder;
  CertificateStore store;
};

TEST_F(CertificateStoreTest, AFileIsReadOnceInALoadAndAgainOnlyWhenItHasChanged) {
  const auto one = write("one", make_certificate());
  const auto two = write("two", make_certificate());
  settle(one);
  settle(two);
  const auto first = load(one);
  EXPECT_EQ(load(one), first);
  const auto other = load(two);
  expect_counts(4, 0);
  store.begin();
  EXPECT_EQ(load(one), first);
  EXPECT_EQ(load(two), other);
  expect_counts(0, 4);
  write("two", make_certificate());
  store.begin();
  EXPECT_EQ(load(one), first);
  EXPECT_NE(load(two), other);
  expect_counts(2, 2);
}

TEST_F(CertificateStoreTest, ManyCertificatesOfOneKeyReadItOnce) {
  const PemPair pem = make_certificate();
  const std::string key = folder.write("key.pem", pem.private_key);
  for (const char* const name : {"a.pem", "b.pem", "c.pem"}) load({folder.write(name, pem.certificate), key});
  expect_counts(4, 0);
}

// A change within the step of the file system's clock leaves size and times as they were.
TEST_F(CertificateStoreTest, WhatWasWrittenAMomentAgoIsReadAgain) {
  const auto files = write("one", make_certificate());
  load(files);
  const auto times = std::filesystem::last_write_time(files.certificate);
  const PemPair renewed = make_certificate();
  write("one", renewed);
  std::filesystem::last_write_time(files.certificate, times);
  store.begin();
  const auto now = Certificate::parse(renewed.certificate, renewed.private_key, "renewed");
  EXPECT_TRUE(load(files)->same_leaf(**now));
}

TEST_F(CertificateStoreTest, AFailureIsTriedAgainInTheNextLoad) {
  const auto files = write("one", make_certificate());
  const std::string good = testing_support::contents_of(files.private_key);
  folder.write("one-key.pem", "broken");
  EXPECT_THAT(store.certificate(files).error().message, HasSubstr("one-key.pem"));
  EXPECT_THAT(store.certificate(files).error().message, HasSubstr("one-key.pem"));
  expect_counts(2, 0);
  folder.write("one-key.pem", good);
  store.begin();
  load(files);
  std::filesystem::remove(files.certificate);
  store.begin();
  EXPECT_THAT(store.certificate(files).error().message, HasSubstr("one.pem"));
}

TEST_F(CertificateStoreTest, WhatNobodyAsksForIsForgotten) {
  const auto one = write("one", make_certificate());
  settle(one);
  const std::weak_ptr<const Certificate> seen = load(one);
  store.begin();
  EXPECT_FALSE(seen.expired()) << "a load that comes to nothing forgets nothing";
  store.forget_unused();
  EXPECT_TRUE(seen.expired());
}

TEST_F(CertificateStoreTest, AfterACancelNoFileIsOpened) {
  const auto one = write("one", make_certificate());
  std::stop_source source;
  store.begin(source.get_token());
  source.request_stop();
  EXPECT_FALSE(store.certificate(one));
  EXPECT_FALSE(store.anchors(one.certificate));
  expect_counts(0, 0);
}

TEST(IssuerPool, AnIssuerIsThereOnceForAsLongAsSomebodyHasIt) {
  const PemPair root = make_certificate({.names = {"root"}, .authority = true});
  IssuerPool pool;
  const auto chain_of_new_leaf = [&] {
    return CertificateChain::read(make_certificate({.issuer = &root}).certificate + root.certificate, pool, "c.pem")
        .value()
        .issuers;
  };
  auto one = chain_of_new_leaf();
  ASSERT_EQ(one.size(), 1U);
  EXPECT_EQ(chain_of_new_leaf(), one);
  pool.forget_unused();
  EXPECT_EQ(pool.size(), 1U);
  one.clear();
  pool.forget_unused();
  EXPECT_EQ(pool.size(), 0U);
}

}  // namespace
}  // namespace gatehouse
