#include "proxy/cache/store.h"

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace gatehouse::cache {
namespace {

constexpr std::size_t kMiB = 1024UL * 1024;

EntryPtr entry(std::size_t size) {
  Entry made;
  made.body = std::make_shared<const std::string>(size, 'x');
  return std::make_shared<const Entry>(std::move(made));
}

std::string key(int number) {
  return "https://shop.test/" + std::to_string(number) + "\n";
}

TEST(StoreTest, WhatIsPutIsFoundUntilItIsRemoved) {
  Store store(kMiB);
  const EntryPtr put = entry(10);
  EXPECT_TRUE(store.put(key(1), put));
  EXPECT_EQ(store.find(key(1)), put);
  EXPECT_EQ(store.find(key(2)), nullptr);
  EXPECT_EQ(store.entries(), 1U);
  store.remove(key(1));
  EXPECT_EQ(store.find(key(1)), nullptr);
  EXPECT_EQ(store.bytes(), 0U);
}

TEST(StoreTest, AnEntryTakesThePlaceOfTheOneBefore) {
  Store store(kMiB);
  store.put(key(1), entry(1000));
  const std::size_t before = store.bytes();
  const EntryPtr next = entry(1000);
  store.put(key(1), next);
  EXPECT_EQ(store.find(key(1)), next);
  EXPECT_EQ(store.entries(), 1U);
  EXPECT_EQ(store.bytes(), before);
}

TEST(StoreTest, NeverHasMoreThanItsMemory) {
  Store store(kMiB);
  for (int i = 0; i < 2000; ++i) {
    store.put(key(i), entry(4096));
    ASSERT_LE(store.bytes(), kMiB);
  }
  EXPECT_GT(store.bytes(), kMiB * 9 / 10);
  EXPECT_EQ(store.evictions() + store.entries(), 2000U);
}

TEST(StoreTest, WhatIsTooLargeForAllIsRefused) {
  Store store(kMiB);
  store.put(key(1), entry(100));
  EXPECT_FALSE(store.put(key(2), entry(kMiB / 4)));
  EXPECT_NE(store.find(key(1)), nullptr);
}

TEST(StoreTest, WhatIsAskedForOftenSurvivesAScan) {
  Store store(kMiB);
  for (int i = 0; i < 50; ++i) {
    store.put(key(i), entry(1024));
    store.find(key(i));
    store.find(key(i));
  }
  for (int i = 1000; i < 11'000; ++i) {
    store.put(key(i), entry(1024));
    if (i % 100 == 0) {
      for (int hot = 0; hot < 50; ++hot) store.find(key(hot));
    }
  }
  int survived = 0;
  for (int i = 0; i < 50; ++i) survived += store.find(key(i)) != nullptr ? 1 : 0;
  EXPECT_EQ(survived, 50);
}

TEST(StoreTest, PurgeForgetsWhatBeginsAlike) {
  Store store(kMiB);
  for (int i = 0; i < 100; ++i) store.put(key(i), entry(10));
  store.put("https://other.test/1\n", entry(10));
  EXPECT_EQ(store.purge("https://shop.test/9"), 11U);
  EXPECT_EQ(store.find(key(90)), nullptr);
  EXPECT_NE(store.find(key(8)), nullptr);
  EXPECT_EQ(store.purge("https://shop.test/"), 89U);
  EXPECT_EQ(store.entries(), 1U);
}

TEST(StoreTest, LessMemoryHoldsAtOnce) {
  Store store(kMiB);
  for (int i = 0; i < 200; ++i) store.put(key(i), entry(4096));
  store.set_memory(kMiB / 4);
  EXPECT_LE(store.bytes(), kMiB / 4);
}

TEST(StoreTest, WhatIsOnItsWayHasAQuarter) {
  Store store(kMiB);
  {
    Store::Reservation first(store);
    EXPECT_TRUE(first.grow(kMiB / 4));
    Store::Reservation second(store);
    EXPECT_FALSE(second.grow(1));
  }
  Store::Reservation third(store);
  EXPECT_TRUE(third.grow(kMiB / 4));
}

TEST(StoreTest, ManyThreadsFindTheirOwn) {
  Store store(kMiB);
  std::atomic<int> wrong{0};
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 5000; ++i) {
        const auto put = entry(static_cast<std::size_t>(100 + t));
        store.put(key(i % 500) + std::to_string(t), put);
        const EntryPtr found = store.find(key(i % 500) + std::to_string(t));
        if (found && found->text().size() != static_cast<std::size_t>(100 + t)) ++wrong;
        if (i % 100 == 0) store.purge(key(i % 500));
      }
    });
  }
  threads.clear();
  EXPECT_EQ(wrong, 0);
  EXPECT_LE(store.bytes(), kMiB);
  store.purge("");
  EXPECT_EQ(store.bytes(), 0U);
  EXPECT_EQ(store.entries(), 0U);
}

}  // namespace
}  // namespace gatehouse::cache
