#include "proxy/http/exchange/throttle.h"

#include <algorithm>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace gatehouse {
namespace {

using namespace std::chrono_literals;

constexpr MonotonicTime kNow{std::chrono::hours(5)};

TEST(Throttle, PlacesFollowEachOtherAtTheRate) {
  Throttle throttle(1'000'000);
  const MonotonicTime first = throttle.reserve(10'000, kNow);
  EXPECT_EQ(first, kNow - Throttle::kBehind);
  EXPECT_EQ(throttle.reserve(10'000, kNow), first + 10ms);
  EXPECT_EQ(throttle.reserve(1, kNow), first + 20ms);
  EXPECT_EQ(throttle.reserve(1, kNow), first + 20ms + 1us);
}

TEST(Throttle, WhatNobodyUsedIsLostButForAMoment) {
  Throttle throttle(1000);
  throttle.reserve(500, kNow);
  EXPECT_EQ(throttle.reserve(500, kNow + 10s), kNow + 10s - Throttle::kBehind);
  EXPECT_EQ(throttle.reserve(500, kNow + 10s), kNow + 10s - Throttle::kBehind + 500ms);
}

TEST(Throttle, ALateComerFindsThePlacesTaken) {
  Throttle throttle(1000);
  for (int i = 0; i < 10; ++i) throttle.reserve(1000, kNow);
  EXPECT_EQ(throttle.reserve(1, kNow + 5s), kNow - Throttle::kBehind + 10s);
}

TEST(Throttle, APlaceThatIsGivenBackIsTheNextOnes) {
  Throttle throttle(1000);
  const MonotonicTime first = throttle.reserve(100, kNow);
  throttle.reserve(300, kNow);
  throttle.give_back(300);
  EXPECT_EQ(throttle.reserve(1, kNow), first + 100ms);
}

TEST(Throttle, APlaceMovesUpWhenOthersBeforeItAreGivenBack) {
  Throttle throttle(1000);
  const MonotonicTime first = throttle.reserve(100, kNow);
  throttle.reserve(300, kNow);
  const MonotonicTime mine = throttle.reserve(50, kNow);
  EXPECT_EQ(throttle.moved_up(50, mine), mine);
  throttle.give_back(300);
  EXPECT_EQ(throttle.moved_up(50, mine), first + 100ms);
  throttle.reserve(500, kNow);
  EXPECT_EQ(throttle.moved_up(50, mine), mine) << "not behind its own place";
}

TEST(Throttle, AQuantumIsWorthTenMillisecondsWithinBounds) {
  EXPECT_EQ(Throttle(1'000'000).quantum(), 10'000U);
  EXPECT_EQ(Throttle(1).quantum(), 512U);
  EXPECT_EQ(Throttle(1'000'000'000).quantum(), 65'536U);
}

TEST(Throttle, SlowAndFastRatesAreExact) {
  Throttle slow(3);
  const MonotonicTime first = slow.reserve(1, kNow);
  EXPECT_EQ(slow.reserve(1, kNow) - first, 333'333'334ns);
  Throttle fast(100'000'000'000);
  fast.reserve(65'536, kNow);
  EXPECT_EQ(fast.reserve(1, kNow) - (kNow - Throttle::kBehind), 656ns) << "65536 bytes, rounded up";
}

TEST(Throttle, ThreadsTogetherGetTheRateAndNoPlaceTwice) {
  constexpr int kThreads = 4;
  constexpr int kPlaces = 5000;
  Throttle throttle(1'000'000'000);
  std::vector<std::vector<MonotonicTime>> places(kThreads);
  std::vector<std::thread> threads;
  for (auto& mine : places) {
    threads.emplace_back([&] {
      for (int i = 0; i < kPlaces; ++i) mine.push_back(throttle.reserve(1000, kNow));
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::vector<MonotonicTime> all;
  for (const auto& mine : places) {
    EXPECT_TRUE(std::ranges::is_sorted(mine));
    all.insert(all.end(), mine.begin(), mine.end());
  }
  std::ranges::sort(all);
  for (std::size_t i = 0; i < all.size(); ++i) {
    ASSERT_EQ(all[i], kNow - Throttle::kBehind + std::chrono::microseconds(i));
  }
}

}  // namespace
}  // namespace gatehouse
