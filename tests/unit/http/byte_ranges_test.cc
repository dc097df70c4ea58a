// Range as clients, download tools and attackers write it.
#include "proxy/http/conditional/byte_ranges.h"

#include <string>

#include <gtest/gtest.h>

namespace gatehouse {
namespace {

constexpr std::uint64_t kSize = 1000;

std::string chosen(std::string_view range, std::uint64_t size = kSize) {
  const RangeChoice choice = chosen_ranges(range, size);
  if (choice.kind == RangeChoice::Kind::kWhole) return "whole";
  if (choice.kind == RangeChoice::Kind::kUnsatisfiable) return "none";
  std::string out;
  for (const ByteRange& part : choice.parts) {
    out += (out.empty() ? "" : " ") + std::to_string(part.first) + "+" + std::to_string(part.size);
  }
  return out;
}

TEST(ByteRanges, AreWhatIsThereOfWhatIsAskedFor) {
  EXPECT_EQ(chosen("bytes=0-99"), "0+100");
  EXPECT_EQ(chosen("bytes=0-0"), "0+1");
  EXPECT_EQ(chosen("bytes=999-"), "999+1");
  EXPECT_EQ(chosen("bytes=500-4000"), "500+500");
  EXPECT_EQ(chosen("bytes=-1"), "999+1");
  EXPECT_EQ(chosen("bytes=-4000"), "0+1000");
  EXPECT_EQ(chosen("Bytes=0-"), "0+1000");
  EXPECT_EQ(chosen("bytes=0-18446744073709551616"), "0+1000");
}

TEST(ByteRanges, KeepTheOrderOfTheRequest) {
  EXPECT_EQ(chosen("bytes=900-, 0-9 ,, 100-199"), "900+100 0+10 100+100");
  EXPECT_EQ(chosen("bytes=0-9, 2000-"), "0+10");
}

TEST(ByteRanges, AreUnsatisfiableWhereNothingIsThere) {
  EXPECT_EQ(chosen("bytes=1000-"), "none");
  EXPECT_EQ(chosen("bytes=18446744073709551616-"), "none");
  EXPECT_EQ(chosen("bytes=-0"), "none");
  EXPECT_EQ(chosen("bytes=0-", 0), "none");
}

TEST(ByteRanges, AreAsIfNotSaidWhereTheyAreNotUnderstood) {
  for (const char* range :
       {"", "bytes", "bytes=", "bytes=,", "bytes=-", "bytes=a-b", "bytes=5", "bytes=9-5", "bytes=0-9;q=1", "items=0-9",
        "bytes = 0-9", "bytes=+1-2", "bytes=0-9,x", "bytes=--1", "bytes=0x1-0x2"}) {
    EXPECT_EQ(chosen(range), "whole") << range;
  }
  EXPECT_EQ(chosen("bytes=-5", 0), "whole");  // the end of nothing cannot be said
}

TEST(ByteRanges, ThatCostMoreThanTheyBringAreAnsweredByTheWhole) {
  EXPECT_EQ(chosen("bytes=0-,0-"), "whole");
  EXPECT_EQ(chosen("bytes=0-599,500-999"), "whole");
  EXPECT_EQ(chosen("bytes=0-599,600-999"), "0+600 600+400");
  std::string most = "bytes=0-0";
  for (std::size_t i = 1; i < kMostRanges; ++i) most += "," + std::to_string(2 * i) + "-" + std::to_string(2 * i);
  EXPECT_EQ(chosen_ranges(most, kSize).parts.size(), kMostRanges);
  EXPECT_EQ(chosen(most + ",900-900"), "whole");
}

TEST(ByteRanges, AreSaidInContentRange) {
  EXPECT_EQ(content_range({.first = 10, .size = 90}, kSize), "bytes 10-99/1000");
  EXPECT_EQ(unsatisfied_range(kSize), "bytes */1000");
}

}  // namespace
}  // namespace gatehouse
