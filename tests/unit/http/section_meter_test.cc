#include "proxy/http/section_meter.h"

#include <string>

#include <gtest/gtest.h>

namespace gatehouse {
namespace {

using Verdict = SectionMeter::Verdict;

constexpr SectionMeter::Limit kLimit{.bytes = 32768, .fields = 100};

// How often a field is within the limit, and how often it can be added before it is too much.
struct Course {
  std::size_t within = 0;
  std::size_t beyond = 0;
};

Course repeat(std::string_view name, std::string_view value) {
  SectionMeter meter;
  Course course;
  for (;; ++course.beyond) {
    const Verdict verdict = meter.add(name, value, kLimit);
    if (verdict == Verdict::kExcessive) return course;
    EXPECT_EQ(meter.too_large(), verdict != Verdict::kWithin);
    EXPECT_EQ(verdict == Verdict::kFirstBeyond, meter.too_large() && course.beyond == course.within);
    if (verdict == Verdict::kWithin) ++course.within;
  }
}

TEST(SectionMeter, ASectionEndsAtItsBytesOrItsFieldsAndDecodingAtEightTimesTheBytes) {
  const Course many = repeat("a", "");
  EXPECT_EQ(many.within, 100U);
  EXPECT_EQ(many.beyond, 8U * 32768 / 33);
  const Course large = repeat("b", std::string(4000, 'v'));
  EXPECT_EQ(large.within, 8U);
  EXPECT_EQ(large.beyond, 8U * 32768 / 4033);
}

TEST(SectionMeter, PseudoFieldsWeighAndAreNotCounted) {
  SectionMeter meter;
  constexpr SectionMeter::Limit kOne{.bytes = 200, .fields = 1};
  EXPECT_EQ(meter.add(":method", "GET", kOne), Verdict::kWithin);
  EXPECT_EQ(meter.add(":path", "/", kOne), Verdict::kWithin);
  EXPECT_EQ(meter.add("a", "b", kOne), Verdict::kWithin);
  EXPECT_EQ(meter.add("a", "b", kOne), Verdict::kFirstBeyond);
  EXPECT_EQ(SectionMeter().add(":path", std::string(200, 'p'), kOne), Verdict::kFirstBeyond);
}

TEST(SectionMeter, TheCrumbsOfACookieAreOneFieldWithLimitsOfTheirOwn) {
  EXPECT_EQ(repeat("cookie", "c=1").within, 500U);
  EXPECT_EQ(repeat("cookie", std::string(100, 'c')).within, 163U) << "16 KiB";
  SectionMeter whole;
  EXPECT_EQ(whole.add("cookie", std::string(20'000, 'c'), kLimit), Verdict::kWithin) << "uncut, as h1 has it";
  SectionMeter full;
  for (int i = 0; i < 99; ++i) EXPECT_EQ(full.add("a", "b", kLimit), Verdict::kWithin);
  for (int i = 0; i < 180; ++i) EXPECT_EQ(full.add("cookie", "c", kLimit), Verdict::kWithin);
  EXPECT_EQ(full.add("a", "b", kLimit), Verdict::kFirstBeyond);
}

TEST(SectionMeter, AReferenceToALargeCrumbIsWorkAllTheSame) {
  EXPECT_LE(repeat("cookie", "").beyond, 8U * 32768 / 38);
}

}  // namespace
}  // namespace gatehouse
