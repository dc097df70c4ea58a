#include "proxy/frontend/quic/quic_farewells.h"

#include <array>
#include <chrono>
#include <vector>

#include <gtest/gtest.h>

#include "common/event_loop.h"

namespace gatehouse {
namespace {

using namespace std::chrono_literals;

class QuicFarewellsTest : public ::testing::Test {
 protected:
  static QuicId id(std::uint32_t number) {
    const std::array<std::uint8_t, 8> bytes = {static_cast<std::uint8_t>(number >> 16),
                                               static_cast<std::uint8_t>(number >> 8),
                                               static_cast<std::uint8_t>(number)};
    return QuicId::of(bytes);
  }
  void add(std::vector<QuicId> ids, Duration lasts = 1s) {
    farewells.add({.ids = std::move(ids), .packet = {1, 2, 3}, .until = clock.monotonic() + lasts});
  }
  void pass(Duration time) {
    clock.advance(time);
    loop.turn(EventLoop::Wait::kNever);
  }

  ManualClock clock;
  EventLoop loop{clock};
  QuicFarewells farewells{loop, QuicIdHash{42}};
};

TEST_F(QuicFarewellsTest, AreRepeatedEverMoreRarelyForAnyIdOfTheConnection) {
  add({id(1), id(2)});
  std::vector<int> repeated;
  for (int i = 1; i <= 40; ++i) {
    if (!farewells.packet_for(id(1 + static_cast<std::uint32_t>(i) % 2)).empty()) repeated.push_back(i);
  }
  EXPECT_EQ(repeated, (std::vector{1, 2, 4, 8, 16, 32}));
}

TEST_F(QuicFarewellsTest, AreForgottenInTimeWhateverTheOrderOfTheirEnds) {
  add({id(1)}, 3s);
  add({id(2)}, 1s);
  EXPECT_TRUE(farewells.knows(id(1)) && farewells.knows(id(2)));
  pass(1s);
  EXPECT_TRUE(farewells.knows(id(1)) && !farewells.knows(id(2)));
  pass(2s);
  EXPECT_FALSE(farewells.knows(id(1)) || farewells.knows(id(2)));
  EXPECT_TRUE(farewells.empty());
  add({id(3)}, 1s);
  pass(2s);
  EXPECT_FALSE(farewells.knows(id(3)));
}

TEST_F(QuicFarewellsTest, OldestMakesRoomForTheNewest) {
  for (std::uint32_t i = 0; i < 5 * QuicFarewells::kMost; ++i) add({id(2 * i), id(2 * i + 1)});
  EXPECT_FALSE(farewells.knows(id(1)));
  EXPECT_FALSE(farewells.knows(id(8 * QuicFarewells::kMost - 1)));
  EXPECT_TRUE(farewells.knows(id(8 * QuicFarewells::kMost)));
  EXPECT_TRUE(farewells.knows(id(10 * QuicFarewells::kMost - 1)));
}

TEST_F(QuicFarewellsTest, TwoOfOneIdDoNotTearEachOtherDown) {
  add({id(1), id(7)}, 1s);
  add({id(2), id(7)}, 4s);
  pass(2s);
  EXPECT_FALSE(farewells.knows(id(1)));
  ASSERT_TRUE(farewells.knows(id(7)));
  EXPECT_EQ(farewells.packet_for(id(7)).size(), 3U);
}

}  // namespace
}  // namespace gatehouse
