#include "proxy/frontend/upload_window.h"

#include <gtest/gtest.h>

namespace gatehouse {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kFirst = 64UL * 1024;

class UploadWindowTest : public ::testing::Test {
 protected:
  std::size_t grow(std::size_t taken, std::size_t behind = 0) { return window_.grow(taken, behind, now_, growth_); }

  MonotonicTime now_{1h};
  UploadGrowth growth_{20 * kFirst};
  UploadWindow window_{kFirst};
};

TEST_F(UploadWindowTest, GrowsFourfoldWithEachWindowThatIsTaken) {
  EXPECT_EQ(grow(kFirst - 1), 0U);
  EXPECT_EQ(grow(1), 3 * kFirst);
  EXPECT_EQ(window_.size(), 4 * kFirst);
  EXPECT_EQ(grow(2 * kFirst), 0U);
  EXPECT_EQ(grow(2 * kFirst), 12 * kFirst);
  EXPECT_EQ(window_.size(), 16 * kFirst);
}

TEST_F(UploadWindowTest, StaysWhereTheEndpointLeavesMuchBehind) {
  EXPECT_EQ(grow(kFirst, kFirst / 2), 0U);
  EXPECT_EQ(grow(kFirst, kFirst), 0U);
  EXPECT_EQ(grow(1, kFirst / 4), 3 * kFirst) << "until it has caught up";
}

TEST_F(UploadWindowTest, StaysWhereTheClientTakesLongForAWindow) {
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(grow(kFirst / 2), 0U);
    now_ += 1001ms;
  }
}

TEST_F(UploadWindowTest, IsBoundedByWhatAllOfTheConnectionGrowBy) {
  UploadWindow other(kFirst);
  EXPECT_EQ(other.grow(kFirst, 0, now_, growth_), 3 * kFirst);
  EXPECT_EQ(other.grow(4 * kFirst, 0, now_, growth_), 12 * kFirst);
  EXPECT_EQ(grow(kFirst), 3 * kFirst);
  EXPECT_EQ(grow(4 * kFirst), 2 * kFirst) << "all that is left";
  EXPECT_EQ(grow(6 * kFirst), 0U);
  EXPECT_EQ(growth_.taken(), 20 * kFirst);
  const std::size_t grown = other.shrink();
  EXPECT_EQ(grown, 15 * kFirst);
  EXPECT_EQ(other.shrink(), 0U);
  growth_.give_back(grown);
  EXPECT_EQ(grow(6 * kFirst), 15 * kFirst);
}

}  // namespace
}  // namespace gatehouse
