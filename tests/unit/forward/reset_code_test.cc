#include "proxy/forward/reset_code.h"

#include <array>

#include <gtest/gtest.h>

namespace gatehouse::reset_code {
namespace {

TEST(ResetCode, EachOfTheFourteenHasItsCounterpartInHttp3) {
  constexpr std::array<std::uint64_t, 14> kExpected = {0x100, 0x101, 0x102, 0x101, 0x101, 0x101, 0x106,
                                                       0x10b, 0x10c, 0x101, 0x10f, 0x107, 0x101, 0x110};
  for (std::uint32_t code = 0; code < kExpected.size(); ++code) {
    const auto found = codes(std::to_string(code), Where::kHead);
    ASSERT_TRUE(found) << code;
    EXPECT_EQ(found->h2, code);
    EXPECT_EQ(found->h3, kExpected[code]) << code;
  }
}

TEST(ResetCode, TrailersCannotSayThatNothingWasDone) {
  for (std::uint32_t code = 0; code <= 13; ++code) {
    EXPECT_EQ(codes(std::to_string(code), Where::kTrailers).has_value(), code != 7 && code != 13) << code;
  }
}

TEST(ResetCode, WhatIsNoCodeIsNothing) {
  for (const std::string_view said :
       {"", "14", "99", "-1", "+1", " 1", "1 ", "0x1", "1, 2", "CANCEL", "008", "4294967297"}) {
    EXPECT_FALSE(codes(said, Where::kHead)) << said;
    EXPECT_FALSE(codes(said, Where::kTrailers)) << said;
  }
}

TEST(ResetCode, FieldIsTakenOutOfTheHeadInAllItsLines) {
  FieldList fields;
  fields.add("Server", "app");
  EXPECT_EQ(take(fields), std::nullopt);
  fields.add("x-reset-code", "8");
  fields.add("X-Other", "1");
  EXPECT_EQ(take(fields), "8");
  fields.add("X-Reset-Code", "8");
  fields.add("X-RESET-CODE", "8");
  const auto said = take(fields);
  EXPECT_EQ(said, "8, 8");
  EXPECT_FALSE(codes(*said, Where::kHead));
  EXPECT_EQ(fields.size(), 2U);
  EXPECT_EQ(take(fields), std::nullopt);
}

}  // namespace
}  // namespace gatehouse::reset_code
