#include "proxy/frontend/quic/half_open_count.h"

#include <chrono>

#include <gtest/gtest.h>

namespace gatehouse {
namespace {

using namespace std::chrono_literals;

TEST(HalfOpenCountTest, IsCrowdedAtEitherLimitUntilAnAddressIsProven) {
  HalfOpenCount count({.total = 3, .per_prefix = 2});
  const MonotonicTime now{1h};
  count.began(1);
  EXPECT_FALSE(count.crowded(1, now));
  count.began(1);
  EXPECT_TRUE(count.crowded(1, now));
  EXPECT_FALSE(count.crowded(2, now));
  count.began(2);
  EXPECT_TRUE(count.crowded(3, now));
  count.proven(1);
  EXPECT_FALSE(count.crowded(1, now));
  EXPECT_FALSE(count.crowded(3, now));
}

TEST(HalfOpenCountTest, CountsAFailureForAWhile) {
  HalfOpenCount count({.total = 2, .per_prefix = 1});
  const MonotonicTime now{1h};
  count.began(1);
  count.failed(1, now);
  EXPECT_TRUE(count.crowded(1, now + 999ms));
  EXPECT_FALSE(count.crowded(1, now + HalfOpenCount::kFailureCounts));
  EXPECT_EQ(count.total(), 0U);
}

TEST(HalfOpenCountTest, NeverLetsInMoreThanTheLimitHoweverManyFail) {
  HalfOpenCount count({.total = 10, .per_prefix = 10});
  MonotonicTime now{1h};
  std::size_t begun = 0;
  for (std::uint64_t i = 0; i < 100'000; ++i, now += 100us) {
    if (count.crowded(i, now)) continue;
    count.began(i);
    count.failed(i, now);
    ++begun;
  }
  EXPECT_EQ(begun, 100U);  // ten in each of ten seconds
  EXPECT_LE(count.total(), 10U);
}

}  // namespace
}  // namespace gatehouse
