// Blocks of all sizes keep what is written to them, whichever of the two sources they come from.
#include "proxy/frontend/h2/h2_memory.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <utility>

#include <gtest/gtest.h>

#include "proxy/frontend/h2/h2_connection.h"
#include "tests/support/frontend_testing.h"

namespace gatehouse {
namespace {

constexpr std::size_t kSmall = 100;
constexpr std::size_t kLarge = 16'394;  // a session's frame buffer

std::span<std::uint8_t> bytes(void* block, std::size_t size) {
  return {static_cast<std::uint8_t*>(block), size};
}

class H2MemoryTest : public testing::TestWithParam<std::size_t> {
 protected:
  nghttp2_mem& memory = *h2_memory();
};

TEST_P(H2MemoryTest, ZeroedBlocksAreZero) {
  void* const block = memory.calloc(1, GetParam(), nullptr);
  ASSERT_NE(block, nullptr);
  EXPECT_EQ(std::ranges::count(bytes(block, GetParam()), 0), static_cast<std::ptrdiff_t>(GetParam()));
  memory.free(block, nullptr);
}

TEST_P(H2MemoryTest, WhatABlockHoldsOutlivesGrowthAndShrinking) {
  void* block = memory.malloc(GetParam(), nullptr);
  ASSERT_NE(block, nullptr);
  std::ranges::fill(bytes(block, GetParam()), 7);
  for (const std::size_t size : {GetParam() * 200, GetParam() + 1, kSmall}) {
    block = memory.realloc(block, size, nullptr);
    ASSERT_NE(block, nullptr);
    const auto kept = bytes(block, std::min(size, GetParam()));
    EXPECT_EQ(std::ranges::count(kept, 7), static_cast<std::ptrdiff_t>(kept.size()));
  }
  memory.free(block, nullptr);
}

TEST_P(H2MemoryTest, FromNothingReallocationIsAllocation) {
  void* const block = memory.realloc(nullptr, GetParam(), nullptr);
  ASSERT_NE(block, nullptr);
  std::ranges::fill(bytes(block, GetParam()), 7);
  memory.free(block, nullptr);
}

INSTANTIATE_TEST_SUITE_P(Sizes, H2MemoryTest, testing::Values(kSmall, kLarge));

TEST(H2Memory, NothingIsFreedWithoutHarmAndSizesThatOverflowAreRefused) {
  nghttp2_mem& memory = *h2_memory();
  memory.free(nullptr, nullptr);
  constexpr std::size_t kMost = std::numeric_limits<std::size_t>::max();
  EXPECT_EQ(memory.calloc(kMost / 2, 3, nullptr), nullptr);
  EXPECT_EQ(memory.malloc(kMost, nullptr), nullptr);
}

TEST(H2Memory, WhereThereIsNoneForASessionTheConnectionEndsAtOnceEvenWhileDraining) {
  for (const bool draining : {false, true}) {
    testing_support::FrontendWorld world;
    world.context.draining = draining;
    auto [client, server] = testing_support::MemoryStream::make_pair(world.loop);
    nghttp2_mem& memory = *h2_memory();
    const nghttp2_mem real = memory;
    memory.malloc = [](std::size_t, void*) -> void* { return nullptr; };
    memory.calloc = [](std::size_t, std::size_t, void*) -> void* { return nullptr; };
    world.context.connections.add(
        std::make_unique<H2Connection>(world.context, ClientTransport{.stream = std::move(server)}));
    memory = real;
    world.context.connections.drain_all();
    world.settle();
    EXPECT_EQ(world.context.connections.size(), 0U);
    EXPECT_TRUE(client->peer_gone());
  }
}

}  // namespace
}  // namespace gatehouse
