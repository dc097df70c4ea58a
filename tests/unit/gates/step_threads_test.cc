// Steps on other threads: they come in turns of their clients and wait within bounds.
#include "proxy/gates/step_threads.h"

#include <atomic>
#include <memory>
#include <optional>
#include <semaphore>
#include <string>
#include <thread>

#include <gtest/gtest.h>

namespace gatehouse {
namespace {

StepThreads::Client client(const char* address) {
  return StepThreads::client_of(Address::parse(address).value());
}

TEST(StepThreads, ClientsTakeTurns) {
  std::binary_semaphore begun(0), go(0), done(0);
  std::string order;
  {
    StepThreads threads({.threads = 1, .waiting = 16, .of_client = 8});
    ASSERT_TRUE(threads.run(1, [&] {
      begun.release();
      go.acquire();
    }));
    begun.acquire();
    for (const char step : {'a', 'b', 'c'}) ASSERT_TRUE(threads.run(1, [&, step] { order += step; }));
    ASSERT_TRUE(threads.run(2, [&] { order += 'X'; }));
    ASSERT_TRUE(threads.run(3, [&] { order += 'Y'; }));
    ASSERT_TRUE(threads.run(2, [&] {
      order += 'Z';
      done.release();
    }));
    go.release();
    done.acquire();
  }
  EXPECT_EQ(order.substr(0, 5), "aXYbZ");
}

TEST(StepThreads, WaitWithinBoundsInAllAndOfEachClient) {
  std::binary_semaphore begun(0), go(0);
  std::atomic<int> ran = 0;
  StepThreads threads({.threads = 1, .waiting = 3, .of_client = 2});
  ASSERT_TRUE(threads.run(1, [&] {
    begun.release();
    go.acquire();
  }));
  begun.acquire();
  EXPECT_TRUE(threads.run(1, [&] { ++ran; }));
  EXPECT_TRUE(threads.run(1, [&] { ++ran; }));
  EXPECT_FALSE(threads.run(1, [&] { ++ran; }));
  EXPECT_TRUE(threads.run(2, [&] { ++ran; }));
  EXPECT_FALSE(threads.run(3, [&] { ++ran; }));
  std::binary_semaphore last(0);
  go.release();
  while (!threads.run(4, [&] { last.release(); })) std::this_thread::yield();
  last.acquire();
  EXPECT_EQ(ran, 3);
}

TEST(StepThreads, WhatWaitsIsDroppedAtTheEnd) {
  std::binary_semaphore begun(0), go(0);
  std::atomic<bool> ran = false;
  const auto owned = std::make_shared<int>(1);
  std::optional<StepThreads> threads;
  threads.emplace(StepThreads::Limits{.threads = 1, .waiting = 3, .of_client = 2});
  threads->run(1, [&] {
    begun.release();
    go.acquire();
  });
  begun.acquire();
  threads->run(1, [&ran, owned] { ran = true; });
  std::thread later([&] {
    while (owned.use_count() > 1) std::this_thread::yield();
    go.release();
  });
  threads.reset();
  later.join();
  EXPECT_FALSE(ran);
}

TEST(StepThreads, AClientIsAnAddressOrTheNetworkOfOne) {
  EXPECT_EQ(client("192.0.2.7:1"), client("192.0.2.7:2"));
  EXPECT_EQ(client("192.0.2.7:1"), client("[::ffff:192.0.2.7]:1"));
  EXPECT_NE(client("192.0.2.7:1"), client("192.0.2.8:1"));
  EXPECT_EQ(client("[2001:db8::1]:1"), client("[2001:db8::2]:1"));
  EXPECT_NE(client("[2001:db8::1]:1"), client("[2001:db8:0:1::1]:1"));
  EXPECT_EQ(client("unix:/a"), client("unix:/b"));
}

}  // namespace
}  // namespace gatehouse
