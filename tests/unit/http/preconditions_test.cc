// What becomes of conditional requests, by the table of RFC 9110 section 13.
#include "proxy/http/conditional/preconditions.h"

#include <chrono>
#include <initializer_list>
#include <utility>

#include <gtest/gtest.h>

namespace gatehouse {
namespace {

constexpr const char* kModified = "Sun, 06 Nov 1994 08:49:37 GMT";
constexpr const char* kEarlier = "Sun, 06 Nov 1994 08:49:36 GMT";
constexpr const char* kLater = "Sunday, 06-Nov-94 08:49:38 GMT";
const WallTime kTime = WallTime(std::chrono::seconds(784111777));

using Said = std::initializer_list<std::pair<const char*, const char*>>;

FieldList fields(const Said& said) {
  FieldList list;
  for (const auto& [name, value] : said) list.add(name, value);
  return list;
}

std::string judged(const Said& said, std::string_view etag = "\"v1\"") {
  switch (judge_preconditions(fields(said), {.etag = etag, .modified = kTime})) {
    case Precondition::kHolds:
      return "200";
    case Precondition::kNotModified:
      return "304";
    case Precondition::kFails:
      return "412";
  }
  return "";
}

bool counts(const char* if_range, std::string_view etag = "\"v1\"", Duration age = std::chrono::hours(1)) {
  return range_may_count(fields({{"if-range", if_range}}), {.etag = etag, .modified = kTime},
                         kTime + std::chrono::duration_cast<WallTime::duration>(age));
}

TEST(Preconditions, NoneHold) {
  EXPECT_EQ(judged({}), "200");
  EXPECT_TRUE(range_may_count(fields({}), {}, kTime));
}

TEST(Preconditions, IfNoneMatchComparesWeakly) {
  EXPECT_EQ(judged({{"if-none-match", "\"v1\""}}), "304");
  EXPECT_EQ(judged({{"if-none-match", "W/\"v1\""}}), "304");
  EXPECT_EQ(judged({{"if-none-match", "\"v1\""}}, "W/\"v1\""), "304");
  EXPECT_EQ(judged({{"if-none-match", "\"v0\", \"v1\""}}), "304");
  EXPECT_EQ(judged({{"if-none-match", "\"v0\""}, {"If-None-Match", "\"v1\""}}), "304");
  EXPECT_EQ(judged({{"if-none-match", "*"}}), "304");
  EXPECT_EQ(judged({{"if-none-match", "\"v2\""}}), "200");
  EXPECT_EQ(judged({{"if-none-match", "v1"}}), "200");
  EXPECT_EQ(judged({{"if-none-match", "\"a,b\""}}, "\"a,b\""), "304");
}

TEST(Preconditions, IfMatchComparesStrongly) {
  EXPECT_EQ(judged({{"if-match", "\"v1\""}}), "200");
  EXPECT_EQ(judged({{"if-match", "W/\"v1\""}}), "412");
  EXPECT_EQ(judged({{"if-match", "W/\"v1\""}}, "W/\"v1\""), "412");
  EXPECT_EQ(judged({{"if-match", "\"v2\", \"v3\""}}), "412");
  EXPECT_EQ(judged({{"if-match", "*"}}), "200");
}

TEST(Preconditions, DatesAreOfWholeSeconds) {
  EXPECT_EQ(judged({{"if-modified-since", kModified}}), "304");
  EXPECT_EQ(judged({{"if-modified-since", kLater}}), "304");
  EXPECT_EQ(judged({{"if-modified-since", kEarlier}}), "200");
  EXPECT_EQ(judged({{"if-modified-since", "yesterday"}}), "200");
  EXPECT_EQ(judged({{"if-unmodified-since", kModified}}), "200");
  EXPECT_EQ(judged({{"if-unmodified-since", kEarlier}}), "412");
  EXPECT_EQ(judged({{"if-unmodified-since", "yesterday"}}), "200");
}

TEST(Preconditions, TagsCountBeforeDates) {
  EXPECT_EQ(judged({{"if-none-match", "\"v2\""}, {"if-modified-since", kModified}}), "200");
  EXPECT_EQ(judged({{"if-match", "\"v1\""}, {"if-unmodified-since", kEarlier}}), "200");
  EXPECT_EQ(judged({{"if-match", "\"v2\""}, {"if-none-match", "\"v1\""}}), "412");
  EXPECT_EQ(judged({{"if-match", "\"v1\""}, {"if-none-match", "\"v1\""}}), "304");
}

TEST(Preconditions, ARangeCountsForWhatTheClientHasOnly) {
  EXPECT_TRUE(counts("\"v1\""));
  EXPECT_FALSE(counts("\"v2\""));
  EXPECT_FALSE(counts("W/\"v1\"", "W/\"v1\""));
  EXPECT_FALSE(counts("\"v1\", \"v2\""));
  EXPECT_TRUE(counts(kModified));
  EXPECT_FALSE(counts(kLater));
  EXPECT_FALSE(counts(kEarlier));
  EXPECT_FALSE(counts("yesterday"));
  // Within the second another change would not be seen.
  EXPECT_FALSE(counts(kModified, "\"v1\"", std::chrono::milliseconds(999)));
}

}  // namespace
}  // namespace gatehouse
