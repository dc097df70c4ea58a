#include "proxy/gates/known_credentials.h"

#include <chrono>
#include <string>
#include <utility>

#include <gtest/gtest.h>

namespace gatehouse {
namespace {

using namespace std::chrono_literals;

constexpr MonotonicTime kNow{1h};

TEST(KnownCredentials, AreKnownForAWhile) {
  KnownCredentials known;
  const std::string digest = known.digest("alice", "wonderland");
  EXPECT_FALSE(known.has(digest, kNow));
  known.add(digest, kNow);
  EXPECT_TRUE(known.has(known.digest("alice", "wonderland"), kNow + KnownCredentials::kLife - 1ms));
  EXPECT_FALSE(known.has(digest, kNow + KnownCredentials::kLife));
}

TEST(KnownCredentials, NameAndPasswordCountTogether) {
  KnownCredentials known;
  known.add(known.digest("alice", "wonderland"), kNow);
  for (const auto& [name, password] : {std::pair("alice", "wonder"), std::pair("bob", "wonderland"),
                                       std::pair("alicew", "onderland"), std::pair("", "alicewonderland")}) {
    EXPECT_FALSE(known.has(known.digest(name, password), kNow)) << name;
  }
}

TEST(KnownCredentials, EachHasAKeyOfItsOwn) {
  const KnownCredentials one, other;
  EXPECT_NE(one.digest("alice", "wonderland"), other.digest("alice", "wonderland"));
}

TEST(KnownCredentials, TheirNumberIsBoundedAndTheLatestStays) {
  KnownCredentials known;
  std::size_t still_known = 0;
  constexpr std::size_t kMany = 20'000;
  for (std::size_t i = 0; i < kMany; ++i) {
    const std::string digest = known.digest("alice", std::to_string(i));
    known.add(digest, kNow);
    EXPECT_TRUE(known.has(digest, kNow));
  }
  for (std::size_t i = 0; i < kMany; ++i)
    still_known += known.has(known.digest("alice", std::to_string(i)), kNow) ? 1 : 0;
  EXPECT_LE(still_known, 16 * KnownCredentials::kMostOfPart);
  EXPECT_GT(still_known, 0U);
}

}  // namespace
}  // namespace gatehouse
