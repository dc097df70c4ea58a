// Transport parameters that come twice, whatever else is in the extension.
#include "proxy/frontend/tls/quic_parameters.h"

#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

namespace gatehouse {
namespace {

using Bytes = std::vector<std::uint8_t>;
using quic_parameters::has_duplicate;

TEST(QuicParameters, EachMayComeOnce) {
  EXPECT_FALSE(has_duplicate(Bytes{}));
  EXPECT_FALSE(has_duplicate(Bytes{1, 1, 30, 4, 1, 7, 0x0c, 0}));
  EXPECT_TRUE(has_duplicate(Bytes{1, 1, 30, 4, 1, 7, 1, 1, 30}));
  EXPECT_TRUE(has_duplicate(Bytes{0x0c, 0, 1, 1, 30, 0x0c, 0}));
}

TEST(QuicParameters, HowAnIdOrASizeIsWrittenMakesNoDifference) {
  EXPECT_TRUE(has_duplicate(Bytes{1, 1, 30, 0x40, 1, 1, 30}));
  EXPECT_TRUE(has_duplicate(Bytes{1, 1, 30, 0x80, 0, 0, 1, 0x40, 1, 30}));
  EXPECT_FALSE(has_duplicate(Bytes{1, 2, 1, 0, 4, 2, 1, 0}));
}

TEST(QuicParameters, WhatIsCutShortIsLeftToTheLibrary) {
  EXPECT_FALSE(has_duplicate(Bytes{1, 1, 30, 1}));
  EXPECT_FALSE(has_duplicate(Bytes{1, 1, 30, 1, 5, 30}));
  EXPECT_FALSE(has_duplicate(Bytes{1, 1, 30, 0x40}));
  EXPECT_FALSE(has_duplicate(Bytes{1, 1, 30, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}));
}

}  // namespace
}  // namespace gatehouse
