#include "common/crypto/random.h"

#include <algorithm>
#include <set>
#include <thread>

#include <gtest/gtest.h>

namespace gatehouse {
namespace {

// More than one reserve, on two threads: none is given out twice.
TEST(Random, SecretsAreNeverGivenOutTwice) {
  constexpr int kMany = 2000;
  std::set<std::uint64_t> here;
  std::set<std::uint64_t> there;
  std::thread other([&] {
    for (int i = 0; i < kMany; ++i) there.insert(random::secret());
  });
  for (int i = 0; i < kMany; ++i) here.insert(random::secret());
  other.join();
  EXPECT_EQ(here.size(), kMany);
  EXPECT_EQ(there.size(), kMany);
  EXPECT_TRUE(std::ranges::none_of(here, [&](std::uint64_t one) { return there.contains(one); }));
}

}  // namespace
}  // namespace gatehouse
