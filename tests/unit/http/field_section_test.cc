#include "proxy/http/field_section.h"

#include <string>

#include <gtest/gtest.h>

namespace gatehouse {
namespace {

using Verdict = FieldSection::Verdict;

constexpr FieldSection::Limit kLimit{.bytes = 32768, .fields = 100};

// How often a field is within the limit, and how often it can be added before it is too much.
struct Course {
  std::size_t within = 0;
  std::size_t beyond = 0;
};

Course repeat(std::string_view name, std::string_view value) {
  FieldSection section;
  Course course;
  for (;; ++course.beyond) {
    const Verdict verdict = section.add(name, value, kLimit);
    if (verdict == Verdict::kExcessive) return course;
    EXPECT_EQ(section.too_large(), verdict != Verdict::kWithin);
    EXPECT_EQ(verdict == Verdict::kFirstBeyond, section.too_large() && course.beyond == course.within);
    if (verdict == Verdict::kWithin) ++course.within;
  }
}

TEST(FieldSection, ASectionEndsAtItsBytesOrItsFieldsAndDecodingAtEightTimesTheBytes) {
  const Course many = repeat("a", "");
  EXPECT_EQ(many.within, 100U);
  EXPECT_EQ(many.beyond, 8U * 32768 / 33);
  const Course large = repeat("b", std::string(4000, 'v'));
  EXPECT_EQ(large.within, 8U);
  EXPECT_EQ(large.beyond, 8U * 32768 / 4033);
}

TEST(FieldSection, KeepsWhatIsWithinAndCanBeginAgain) {
  FieldSection section;
  constexpr FieldSection::Limit kTwo{.bytes = 200, .fields = 2};
  EXPECT_EQ(section.add("a", "1", kTwo), Verdict::kWithin);
  EXPECT_EQ(section.count(FieldName::kHost, "host", "kept elsewhere", kTwo), Verdict::kWithin);
  EXPECT_EQ(section.add("b", "2", kTwo), Verdict::kFirstBeyond);
  EXPECT_EQ(section.add("c", "3", kTwo), Verdict::kBeyond);
  const FieldList fields = section.take();
  EXPECT_EQ(fields.size(), 1U);
  EXPECT_EQ(fields.find("a"), "1");
  EXPECT_FALSE(section.too_large());
  EXPECT_EQ(section.add("d", "4", kTwo), Verdict::kWithin);
}

TEST(FieldSection, WorkAloneCountsAsMuchAsFields) {
  FieldSection section;
  constexpr FieldSection::Limit kOne{.bytes = 100, .fields = 1};
  EXPECT_EQ(section.count_work(767, kOne), Verdict::kWithin);
  EXPECT_EQ(section.add("a", "1", kOne), Verdict::kExcessive);
}

TEST(FieldSection, TheCrumbsOfACookieAreOneFieldWithLimitsOfTheirOwn) {
  EXPECT_EQ(repeat("cookie", "c=1").within, 500U);
  EXPECT_EQ(repeat("cookie", std::string(100, 'c')).within, 163U) << "16 KiB";
  FieldSection whole;
  EXPECT_EQ(whole.add("cookie", std::string(20'000, 'c'), kLimit), Verdict::kWithin) << "uncut, as h1 has it";
  FieldSection full;
  for (int i = 0; i < 99; ++i) EXPECT_EQ(full.add("a", "b", kLimit), Verdict::kWithin);
  for (int i = 0; i < 180; ++i) EXPECT_EQ(full.add("cookie", "c", kLimit), Verdict::kWithin);
  EXPECT_EQ(full.add("a", "b", kLimit), Verdict::kFirstBeyond);
}

TEST(FieldSection, AReferenceToALargeCrumbIsWorkAllTheSame) {
  EXPECT_LE(repeat("cookie", "").beyond, 8U * 32768 / 38);
}

}  // namespace
}  // namespace gatehouse
