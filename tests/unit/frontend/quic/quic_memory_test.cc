// What is allocated while packets are read is counted until it is freed, whenever that is.
#include "proxy/frontend/quic/quic_memory.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <span>

#include <gtest/gtest.h>

namespace gatehouse {
namespace {

class QuicMemoryTest : public testing::Test {
 protected:
  void* allocate(std::size_t size) { return mem.malloc(size, mem.user_data); }
  void release(void* block) { mem.free(block, mem.user_data); }

  QuicMemory memory;
  const ngtcp2_mem& mem = *memory.interface();
};

TEST_F(QuicMemoryTest, OnlyWhatIsAllocatedWhileReadingIsTheClients) {
  void* const ours = allocate(1000);
  void* theirs = nullptr;
  {
    const QuicMemory::Reading reading(memory);
    theirs = allocate(300);
    release(ours);
  }
  EXPECT_EQ(memory.held_for_client(), 300U);
  void* const later = allocate(50);
  EXPECT_EQ(memory.held_for_client(), 300U);
  release(theirs);
  EXPECT_EQ(memory.held_for_client(), 0U);
  release(later);
  release(nullptr);
}

TEST_F(QuicMemoryTest, BlocksAreZeroedAndMovedAsTheCLibraryDoesIt) {
  const QuicMemory::Reading reading(memory);
  auto* block = static_cast<std::uint8_t*>(mem.calloc(10, 30, mem.user_data));
  ASSERT_NE(block, nullptr);
  EXPECT_EQ(std::ranges::count(std::span(block, 300), 0), 300);
  std::ranges::fill(std::span(block, 300), 7);
  block = static_cast<std::uint8_t*>(mem.realloc(block, 500, mem.user_data));
  EXPECT_EQ(std::ranges::count(std::span(block, 300), 7), 300);
  EXPECT_EQ(memory.held_for_client(), 500U);
  release(block);
  block = static_cast<std::uint8_t*>(mem.realloc(nullptr, 20, mem.user_data));
  EXPECT_EQ(memory.held_for_client(), 20U);
  release(block);
  EXPECT_EQ(memory.held_for_client(), 0U);
}

TEST_F(QuicMemoryTest, SizesThatOverflowAreRefused) {
  constexpr std::size_t kMost = std::numeric_limits<std::size_t>::max();
  EXPECT_EQ(allocate(kMost), nullptr);
  EXPECT_EQ(mem.calloc(kMost / 2, 3, mem.user_data), nullptr);
  EXPECT_EQ(memory.held_for_client(), 0U);
}

}  // namespace
}  // namespace gatehouse
