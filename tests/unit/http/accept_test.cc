// What clients would rather have, as browsers, tools and libraries say it.
#include "proxy/http/accept.h"

#include <array>
#include <string>

#include <gtest/gtest.h>

namespace gatehouse {
namespace {

constexpr std::array<std::string_view, 4> kTypes = {"text/plain", "text/html", "application/problem+json",
                                                    "application/json"};

std::string preferred(std::string_view accept) {
  const auto index = preferred_type(accept, kTypes);
  return index ? std::string(kTypes[*index]) : "none";
}

struct Case {
  const char* accept;
  const char* preferred;
};

TEST(Accept, WhatIsWorthMostIsPreferred) {
  for (const auto& [accept, wanted] : {
           Case{"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html"},  // browsers
           Case{"application/json, text/plain, */*", "application/json"},                         // axios
           Case{"application/json, text/javascript, */*; q=0.01", "application/json"},            // jQuery
           Case{"*/*", "text/plain"},                                                             // curl
           Case{"text/html;q=0.5, application/json;q=0.6", "application/json"},
           Case{"text/html;q=0.6, application/json;q=0.5", "text/html"},
           Case{"text/html;q=0.001, application/json;q=0", "text/html"},
           Case{"TEXT/HTML;Q=0.4, Application/Problem+JSON ; q=0.45", "application/problem+json"},
       }) {
    EXPECT_EQ(preferred(accept), wanted) << accept;
  }
}

TEST(Accept, TheMostSpecificRangeDecidesWhatATypeIsWorth) {
  EXPECT_EQ(preferred("text/*, text/plain;q=0.1"), "text/html");
  EXPECT_EQ(preferred("*/*, text/*;q=0.5"), "application/problem+json");
  EXPECT_EQ(preferred("text/plain;q=0, */*;q=0.1, text/html;q=0"), "application/problem+json");
  EXPECT_EQ(preferred("application/*;q=0.2, application/json;q=0.1"), "application/problem+json");
}

TEST(Accept, OfTheSameWorthANamedOneComesFirstThenTheFirstThatIsNamed) {
  EXPECT_EQ(preferred("*/*, application/json"), "application/json");
  EXPECT_EQ(preferred("text/html, application/json"), "text/html");
  EXPECT_EQ(preferred("application/json, text/html"), "application/json");
  EXPECT_EQ(preferred("text/*"), "text/plain");
}

TEST(Accept, WhoTakesNothingOfItPrefersNothing) {
  for (const char* accept : {"", " ", ",", ";", "image/png", "text/html;q=0", "text/html;q=0.000", "*/*;q=0",
                             "text/html5", "text/htm", "text", "*", "/*", "text/", "application/json+x"}) {
    EXPECT_EQ(preferred(accept), "none") << accept;
  }
}

TEST(Accept, ARangeThatIsNotValidCountsForNothing) {
  for (const char* q : {"", "2", "1.001", "0.1234", "-1", "0,5", ".5", "1.", "x", "0.x", "00"}) {
    const std::string accept = std::string("application/json;q=") + q + ", text/html;q=0.001";
    EXPECT_EQ(preferred(accept), std::string_view(q) == "1." ? "application/json" : "text/html") << accept;
  }
}

TEST(Accept, OtherParametersSayNothingAndQuotesHideWhatIsInThem) {
  EXPECT_EQ(preferred("text/html;level=1;q=0.2, application/json;charset=utf-8;q=0.3"), "application/json");
  EXPECT_EQ(preferred(R"(text/html;x="a,b;q=0";q=0.2, application/json;q=0.1)"), "text/html");
  EXPECT_EQ(preferred(R"(text/html;x="\",application/json)"), "text/html");
}

TEST(Accept, ACodingIsWorthWhatTheClientSays) {
  EXPECT_EQ(coding_worth("gzip, deflate, br, zstd", "br"), 1000);
  EXPECT_EQ(coding_worth("gzip;q=0.5, br;q=0", "gzip"), 500);
  EXPECT_EQ(coding_worth("gzip;q=0.5, br;q=0", "br"), 0);
  EXPECT_EQ(coding_worth("GZIP ; q=0.25", "gzip"), 250);
  EXPECT_EQ(coding_worth("x-gzip", "gzip"), 1000);
  EXPECT_EQ(coding_worth("*;q=0.3, gzip", "br"), 300);
  EXPECT_EQ(coding_worth("br;q=nonsense", "br"), 0);
  EXPECT_EQ(coding_worth("", "gzip"), 0);
}

TEST(Accept, NoCodingIsWorthLeastUnlessTheClientSaysMore) {
  EXPECT_EQ(coding_worth("gzip", "identity"), 1);
  EXPECT_EQ(coding_worth("identity;q=0.9, gzip;q=0.5", "identity"), 900);
  EXPECT_EQ(coding_worth("gzip, *;q=0", "identity"), 0);
}

}  // namespace
}  // namespace gatehouse
