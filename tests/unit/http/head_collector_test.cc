#include "proxy/http/head_collector.h"

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "proxy/http/field_rules.h"

namespace gatehouse {
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;
using Verdict = HeadCollector::Verdict;

constexpr HeadLimits kLimits{.max_header_bytes = 100,
                             .max_header_count = 2,
                             .max_target_bytes = 4,
                             .max_trailer_bytes = 100,
                             .max_trailer_count = 2};

HeadCollector collect(const Fields& fields, std::string_view target = "/") {
  HeadCollector collector(Protocol::kH2, true);
  for (const auto& [name, value] : Fields{{":method", "GET"}, {":scheme", "https"}, {":path", std::string(target)}}) {
    collector.add(name, value, kLimits);
  }
  for (const auto& [name, value] : fields) collector.add(name, value, kLimits);
  collector.end_head(true);
  return collector;
}

std::string outcome(const Fields& fields, std::string_view target = "/") {
  HeadCollector collector = collect(fields, target);
  const auto head = field_rules::check_request(collector.request(), kLimits);
  return head ? head->authority + head->target : std::string(rule(head.error()).label);
}

TEST(HeadCollector, PutsPseudoFieldsWhereTheyBelong) {
  HeadCollector collector = collect({{":authority", "a"}, {"x", "y"}}, "/p");
  const RawRequest& raw = collector.request();
  EXPECT_EQ(raw.protocol, Protocol::kH2);
  EXPECT_TRUE(raw.secure);
  EXPECT_EQ(raw.method, "GET");
  EXPECT_EQ(raw.scheme, "https");
  EXPECT_EQ(raw.target, "/p");
  EXPECT_EQ(raw.authority, "a");
  EXPECT_TRUE(raw.has_authority);
  EXPECT_TRUE(raw.end_of_message);
  EXPECT_FALSE(raw.too_large);
  EXPECT_EQ(raw.fields.size(), 1U);
  EXPECT_EQ(raw.fields.find("x"), "y");
}

TEST(HeadCollector, TheAuthorityCountsAsTheHostOfHttp1) {
  EXPECT_EQ(outcome({{":authority", "a"}, {"b", std::string(30, 'x')}}), "a/");  // 4 + 1 + 32, 1 + 30 + 32
  EXPECT_EQ(outcome({{":authority", "a"}, {"b", std::string(31, 'x')}}), "headers_too_large");
  EXPECT_EQ(outcome({{":authority", "a"}, {"b", "x"}, {"c", "x"}}), "headers_too_large");
}

TEST(HeadCollector, ATargetIsLimitedByItself) {
  EXPECT_EQ(outcome({{":authority", "a"}}, "/123"), "a/123");
  EXPECT_EQ(outcome({{":authority", "a"}}, "/1234"), "target_too_long");
  HeadCollector collector = collect({{":authority", "a"}}, "/" + std::string(90, 't'));
  EXPECT_EQ(collector.request().target, "/tttt") << "so much that it is seen to be too long";
}

TEST(HeadCollector, AMethodThatNobodyHasIsNotKept) {
  HeadCollector collector(Protocol::kH3, true);
  EXPECT_EQ(collector.add(":method", std::string(500, 'M'), kLimits), Verdict::kWithin);
  EXPECT_LE(collector.request().method.size(), 64U);
  EXPECT_EQ(collector.add(":scheme", std::string(500, 's'), kLimits), Verdict::kExcessive) << "8 times the limit";
}

TEST(HeadCollector, TrailersHaveLimitsOfTheirOwn) {
  const ListenerPolicy policy{.head = kLimits};
  const auto trailers = [&](const Fields& fields) {
    HeadCollector collector = collect({{":authority", "a"}});
    for (const auto& [name, value] : fields) collector.add(name, value, kLimits);
    return collector.trailers(policy);
  };
  EXPECT_EQ(trailers({{"a", "b"}, {"c", "d"}})->size(), 2U);
  EXPECT_EQ(trailers({})->size(), 0U);
  EXPECT_EQ(trailers({{"a", "b"}, {"c", "d"}, {"e", "f"}}).error(), Fault::kRequestBodyInvalid);
  EXPECT_EQ(trailers({{"a", std::string(67, 'x')}})->size(), 1U);
  EXPECT_EQ(trailers({{"a", std::string(68, 'x')}}).error(), Fault::kRequestBodyInvalid);
  EXPECT_EQ(trailers({{"Upper", "x"}}).error(), Fault::kRequestBodyInvalid) << "the rules look at them";
}

}  // namespace
}  // namespace gatehouse
